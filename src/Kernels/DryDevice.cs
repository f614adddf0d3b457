namespace SmartFrz.Kernels;

/// <summary>
/// A device that computes nothing: launches and memory are booked as anywhere, but no kernel runs and no memory is taken. It tells what a
/// step of any size costs before there is a device for it. What is read from it is zero.
/// </summary>
public sealed class DryDevice : Device
{
    /// <inheritdoc/>
    public override string Kind => "dry";

    /// <inheritdoc/>
    public override string Name => "nothing is computed";

    /// <inheritdoc/>
    public override bool KeepsData => false;

    /// <inheritdoc/>
    public override DeviceContext CreateContext(LaunchLedger launches, MemoryLedger memory, Phase? bookAs) => new DryContext(this, launches, memory, bookAs);

    /// <inheritdoc/>
    public override void Dispose()
    {
    }

    private sealed class DryContext(DryDevice device, LaunchLedger launches, MemoryLedger memory, Phase? bookAs)
        : DeviceContext(launches, memory, bookAs)
    {
        public override Device Device => device;

        public override DeviceContext CreateSibling(Phase bookAs) => new DryContext(device, Launches, Memory, bookAs);

        public override void Synchronize()
        {
        }

        private protected override void Execute<TKernel>(in TKernel kernel)
        {
        }

        private protected override MemoryChunk AllocateChunk(long bytes) => new DryChunk(bytes);

        private protected override void UploadBytes(ReadOnlySpan<byte> source, Block target, long offset)
        {
        }

        private protected override void DownloadBytes(Block source, long offset, Span<byte> target) => target.Clear();
    }

    private sealed class DryChunk(long bytes) : MemoryChunk(bytes)
    {
        public override void Dispose()
        {
        }
    }
}
