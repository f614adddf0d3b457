using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// A convolution of many small images, or the input gradient of one, with images in the lanes: two registers hold one pixel of as many
/// images, so that every product is one of whole registers whatever the image's width, and taps that meet padding cost nothing. Every
/// output is summed by one thread in one order.
/// </summary>
internal unsafe struct CpuImageLanesPass : ISimdAction
{
    // Floats of source turned at a time.
    private const int SourceBudget = 96 * 1024;

    // Source channels at a time, at most; see CpuGemm's depth.
    private const int MostChannels = 256;

    // Pixels of an image that count as few.
    private const int SmallImage = 64;

    // Weights that fill a first-level cache several times over: for less, the convolution by pixels is as good.
    private const long LeastWeights = 64 * 1024;

    public CpuPool Pool;
    public Conv2dShape Shape;
    public bool Backward;
    public float* Source, Weight, Bias, Output;
    public bool Accumulate;

    /// <summary>What becomes of a forward pass's sums; its memory is the caller's.</summary>
    public CpuFinishOperands* Finish;

    /// <summary>Whether a convolution is better done so.</summary>
    public static bool Fits(in Conv2dShape s, CpuIsa isa)
    {
        int lanes = 2 * isa.Width(), left = s.N % lanes;
        return s.Groups == 1 && s.R * s.S > 1 && Math.Max(s.H * s.W, s.P * s.Q) <= SmallImage && s.WeightCount >= LeastWeights && s.N >= lanes && (left == 0 || s.N > 4 * lanes || left > lanes / 2);
    }

    public void Run<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        using var alone = Pool.Exclusive();
        int source = Backward ? Shape.K : Shape.C, outs = Backward ? Shape.C : Shape.K, max = CpuTile.MaxRows<S, V>();
        int sourcePixels = Backward ? Shape.P * Shape.Q : Shape.H * Shape.W, taps = Shape.R * Shape.S;
        int most = Math.Clamp(SourceBudget / (sourcePixels * 2 * S.Width), 1, Math.Min(source, MostChannels));
        int blocks = (source + most - 1) / most;
        var body = new Body<S, V>
        {
            Images = Shape.N,
            SourceChannels = source,
            Outs = outs,
            Tiles = (outs + max - 1) / max,
            BlockChannels = (source + blocks - 1) / blocks,
            ImageBlocks = (Shape.N + (2 * S.Width) - 1) / (2 * S.Width),
            Source = Source,
            Bias = Bias,
            Output = Output,
            Plus = Accumulate ? Output : null,
            Residual = Finish != null ? Finish->Residual : null,
            Finishes = Finish != null,
        };
        body.Parts = Math.Clamp((Pool.Threads + body.ImageBlocks - 1) / body.ImageBlocks, 1, body.Tiles);

        // The last block may be a smaller one.
        body.Blocks = (source + body.BlockChannels - 1) / body.BlockChannels;
        int mapLength = CpuTapMap.Length(Shape, Backward);
        float* shared = Pool.Shared(Shape.WeightCount + outs + (mapLength * (1L + (2 * body.BlockChannels))));
        body.Packed = shared;
        shared += Shape.WeightCount;
        body.Finish = Finish != null ? Finish->Prepare(shared, outs) : default;
        body.Map = CpuTapMap.Of(Shape, Backward, (int*)(shared + outs));
        body.Offsets = (int*)(shared + outs) + mapLength;
        body.LastOffsets = body.Offsets + (mapLength * body.BlockChannels);
        WriteOffsets(body.Map, body.BlockChannels, 2 * S.Width, body.Offsets);
        WriteOffsets(body.Map, source - body.BlockStart(body.Blocks - 1), 2 * S.Width, body.LastOffsets);
        body.Scratch = Pool.Scratch(body.ScratchFloats);

        var pack = new PackBody<S, V> { Into = body, Weight = Weight, Taps = taps, Channels = Shape.C, Backward = Backward };
        Pool.For(body.Tiles, 1, ref pack);
        Pool.ForPieces(body.Count, body.Count, ref body);
    }

    // For each output pixel, tap and channel of a block, where its source lies among the turned ones.
    private static void WriteOffsets(in CpuTapMap map, int channels, int lanes, int* offsets)
    {
        for (int p = 0; p < map.Outputs; p++)
        {
            for (int tap = 0; tap < map.Taps; tap++)
            {
                int pixel = map.Source(p, tap);
                for (int c = 0; c < channels; c++)
                {
                    *offsets++ = pixel == CpuTapMap.None ? 0 : ((c * map.Sources) + pixel) * lanes;
                }
            }
        }
    }

    // One index is a tile of output channels: for each block of source channels its panel, tap by tap.
    private struct PackBody<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public Body<S, V> Into;
        public float* Weight;
        public int Taps, Channels;
        public bool Backward;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            for (int block = 0; block < Into.Blocks; block++)
            {
                int from = Into.BlockStart(block), channels = Into.BlockStart(block + 1) - from;
                if (!Backward)
                {
                    for (int tile = begin; tile < end; tile++)
                    {
                        for (int c = 0; c < channels; c++)
                        {
                            Channel(block, channels, tile, c, Weight + (((nint)Into.TileStart(tile) * Channels) + from + c) * Taps, (nint)Channels * Taps);
                        }
                    }

                    continue;
                }

                // The filters of a source channel lie side by side for all tiles.
                for (int c = 0; c < channels; c++)
                {
                    for (int tile = begin; tile < end; tile++)
                    {
                        Channel(block, channels, tile, c, Weight + (((nint)(from + c) * Channels) + Into.TileStart(tile)) * Taps, Taps);
                    }
                }
            }
        }

        private readonly void Channel(int block, int channels, int tile, int c, float* filters, nint pitch)
        {
            int rows = Into.TileStart(tile + 1) - Into.TileStart(tile);
            CpuPanels.Transpose(filters, pitch, rows, Taps, Into.Panel(block, tile) + (c * rows), rows, (nint)channels * rows);
        }
    }

    // One index is two registers of images for a part of the output channels.
    private struct Body<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public WorkerScratch Scratch;
        public CpuTapMap Map;
        public CpuFinish Finish;
        public int* Offsets, LastOffsets;
        public float* Source, Packed, Bias, Output, Plus, Residual;
        public int Images, SourceChannels, Outs, Tiles, Blocks, BlockChannels, ImageBlocks, Parts;
        public bool Finishes;

        public readonly int Count => ImageBlocks * Parts;

        public readonly long ScratchFloats => SourceFloats + ((Residual != null ? 2 : 1) * OutputFloats);

        private readonly long SourceFloats => (long)BlockChannels * Map.Sources * 2 * S.Width;

        private readonly long OutputFloats => (long)(((Tiles + Parts - 1) / Parts) + 1) * CpuTile.MaxRows<S, V>() * Map.Outputs * 2 * S.Width;

        public readonly int TileStart(int tile) => (int)((long)tile * Outs / Tiles);

        public readonly int BlockStart(int block) => Math.Min(block * BlockChannels, SourceChannels);

        public readonly float* Panel(int block, int tile)
        {
            long from = BlockStart(block), channels = BlockStart(block + 1) - from;
            return Packed + (((from * Outs) + (TileStart(tile) * channels)) * Map.Taps);
        }

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            int lanes = 2 * S.Width, pixels = Map.Outputs;
            float* source = Scratch.Of(worker), output = source + SourceFloats, residual = output + OutputFloats;
            for (int n = begin; n < end; n++)
            {
                int image = n / Parts * lanes, images = Math.Min(lanes, Images - image), part = n % Parts;
                int firstTile = part * Tiles / Parts, lastTile = (part + 1) * Tiles / Parts;
                int row = TileStart(firstTile), rows = TileStart(lastTile) - row;
                long at = (((long)image * Outs) + row) * pixels;
                nint imagePitch = (nint)Outs * pixels;
                if (Plus != null)
                {
                    CpuPanels.Transpose(Plus + at, imagePitch, images, rows * pixels, output, lanes);
                }

                if (Residual != null)
                {
                    CpuPanels.Transpose(Residual + at, imagePitch, images, rows * pixels, residual, lanes);
                }

                for (int block = 0; block < Blocks; block++)
                {
                    int from = BlockStart(block), channels = BlockStart(block + 1) - from;
                    nint sourcePitch = (nint)SourceChannels * Map.Sources;
                    CpuPanels.Transpose(
                        Source + (image * sourcePitch) + ((nint)from * Map.Sources), sourcePitch, images, channels * Map.Sources, source, lanes);
                    for (int tile = firstTile; tile < lastTile; tile++)
                    {
                        nint toTile = (nint)(TileStart(tile) - row) * pixels * lanes;
                        Tile(block, channels, tile, source, output + toTile, residual + toTile);
                    }
                }

                CpuPanels.TransposeOut(output, lanes, images, rows * pixels, Output + at, imagePitch);
            }
        }

        // All pixels of one tile of output channels, for one block of source channels.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Tile(int block, int channels, int tile, float* source, float* output, float* residual)
        {
            int lanes = 2 * S.Width, row = TileStart(tile), rows = TileStart(tile + 1) - row;
            nint pitch = (nint)Map.Outputs * lanes;
            int* offsets = channels == BlockChannels ? Offsets : LastOffsets;
            float* panel = Panel(block, tile), bias = Bias != null && block == 0 ? Bias + row : null;
            var finish = Finishes ? Finish.From(row) : default;
            for (int p = 0; p < Map.Outputs; p++, output += lanes, residual += lanes)
            {
                finish.Residual = Residual != null ? residual : null;
                finish.Pitch = pitch;
                bool add = block > 0 || Plus != null;
                float* first = bias;
                int from = 0;
                Map.NextTaps(p, ref from, out int end);
                for (bool more = true; more; add = true, first = null)
                {
                    // The last run, an empty one where all is padding, finishes the sum.
                    int next = end;
                    more = Map.NextTaps(p, ref next, out int nextEnd);
                    bool finishes = Finishes && !more && block == Blocks - 1;
                    CpuTile.Run<S, V>(
                        rows,
                        (end - from) * channels,
                        panel + ((nint)from * channels * rows),
                        offsets + (((p * Map.Taps) + from) * channels),
                        source,
                        source + S.Width,
                        output,
                        output + S.Width,
                        pitch,
                        add ? output : null,
                        first,
                        finishes ? &finish : null);
                    from = next;
                    end = nextEnd;
                }
            }
        }
    }
}
