using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// A depthwise convolution, or the input gradient of one: every channel has a filter of its own. A register of channels at a time is
/// turned so that channels lie in the lanes (<see cref="CpuLanePlane"/>); then nothing depends on the width of the image, and a
/// stride is a step between whole registers. Every output is summed by one thread in one order.
/// </summary>
internal unsafe struct CpuDepthwisePass : ISimdAction
{
    // Floats of source and output turned at a time: half of a small second-level cache.
    private const int PlaneBudget = 64 * 1024;

    // Outputs whose sums are under way together, side by side in a row.
    private const int Run4 = 4;

    private const long FlopsPerPiece = 400_000;

    public CpuPool Pool;
    public int Images, Channels;
    public float* Source;
    public int SourceRows, SourceColumns;
    public float* Output;
    public int OutputRows, OutputColumns;

    /// <summary>Output rows and columns from one output of a phase to the next.</summary>
    public int OutStrideH, OutStrideW;

    public float* Weight;
    public int R, S;
    public float* Bias;
    public bool Accumulate;

    /// <summary>What becomes of a forward pass's sums; its memory is the caller's.</summary>
    public CpuFinishOperands* Finish;

    public CpuDepthwisePhase* Phases;
    public int PhaseCount;

    public void Run<TSimd, V>()
        where TSimd : struct, ISimd<V>
        where V : unmanaged
    {
        using var alone = Pool.Exclusive();
        int width = TSimd.Width, blocks = (Channels + width - 1) / width, taps = 0;
        for (int i = 0; i < PhaseCount; i++)
        {
            taps += Phases[i].Taps;
        }

        var body = new Body<TSimd, V> { Pass = Unmanaged.Of(this), Blocks = blocks };
        body.Cut(Pool.Threads);
        float* memory = Pool.Shared(((long)blocks * width * (taps + 4)) + taps);
        body.Tables = memory;
        WriteTables(memory, blocks * width);
        memory += 4L * blocks * width;
        int* offsets = (int*)(memory + ((long)blocks * width * taps));
        for (int i = 0; i < PhaseCount; i++)
        {
            ref var phase = ref Phases[i];
            phase.Weights = memory;
            phase.Offsets = offsets;
            phase.Pack(Weight, R, S, Channels, width);
            phase.WriteOffsets(body.LowRow, body.SourcePlane.FirstColumn, body.SourcePlane.Columns, width);
            memory += (long)blocks * width * phase.Taps;
            offsets += phase.Taps;
        }

        body.Scratch = Pool.Scratch(body.ScratchFloats);
        long flops = 2L * Images * Channels * taps * Phases[0].Rows.Out * Phases[0].Columns.Out;
        Pool.For(body.Count, (int)Math.Clamp(FlopsPerPiece * body.Count / Math.Max(1, flops), 1, int.MaxValue), ref body);
    }

    // Bias, mean, scale and beta of each channel, zero where there is none.
    private readonly void WriteTables(float* memory, int channels)
    {
        var finish = Finish != null ? Finish->Prepare(memory + (2 * channels), Channels) : default;
        for (int c = 0; c < channels; c++)
        {
            bool exists = c < Channels;
            memory[c] = exists && Bias != null ? Bias[c] : 0f;
            memory[channels + c] = exists && Finish != null ? finish.Mean[c] : 0f;
            memory[(2 * channels) + c] = exists && Finish != null ? memory[(2 * channels) + c] : 0f;
            memory[(3 * channels) + c] = exists && Finish != null ? finish.Beta[c] : 0f;
        }
    }

    // The fields that a piece needs: a body is plain data.
    private struct Unmanaged
    {
        public int Images, Channels, SourceRows, SourceColumns, OutputRows, OutputColumns, OutStrideH, OutStrideW, PhaseCount;
        public float* Source, Output, Plus;
        public bool Normalises;
        public Activation Activation;
        public CpuDepthwisePhase* Phases;

        public static Unmanaged Of(in CpuDepthwisePass pass) => new()
        {
            Images = pass.Images,
            Channels = pass.Channels,
            SourceRows = pass.SourceRows,
            SourceColumns = pass.SourceColumns,
            OutputRows = pass.OutputRows,
            OutputColumns = pass.OutputColumns,
            OutStrideH = pass.OutStrideH,
            OutStrideW = pass.OutStrideW,
            PhaseCount = pass.PhaseCount,
            Source = pass.Source,
            Output = pass.Output,
            Plus = pass.Accumulate ? pass.Output : pass.Finish != null ? pass.Finish->Residual : null,
            Normalises = pass.Finish != null,
            Activation = pass.Finish != null ? pass.Finish->Activation : Activation.None,
            Phases = pass.Phases,
        };
    }

    // One index is a strip of output rows of one register of channels of one image; all phases of it.
    private struct Body<TSimd, V> : IParallelBody
        where TSimd : struct, ISimd<V>
        where V : unmanaged
    {
        public Unmanaged Pass;
        public WorkerScratch Scratch;
        public float* Tables;
        public int Blocks, LowRow;
        public CpuLanePlane SourcePlane, OutputPlane;
        private int _rowReach, _rowStride, _strips, _stripRows;

        public readonly int Count => Pass.Images * Blocks * _strips;

        public readonly long ScratchFloats => SourceFloats + (2 * OutputFloats);

        // With room for what the last run of four reads past the end.
        private readonly long SourceFloats => SourcePlane.Floats(SourceRowsOf(_stripRows), TSimd.Width) + (Run4 * Pass.Phases->Columns.Stride * TSimd.Width);

        private readonly long OutputFloats => OutputPlane.Floats(_stripRows * Pass.OutStrideH, TSimd.Width);

        public void Cut(int threads)
        {
            int lowRow = 0, highRow = 0, lowColumn = 0, highColumn = 0;
            for (int i = 0; i < Pass.PhaseCount; i++)
            {
                var rows = CpuDepthwisePhase.Reach(Pass.Phases[i].Rows);
                var columns = CpuDepthwisePhase.Reach(Pass.Phases[i].Columns);
                lowRow = i == 0 ? rows.Low : Math.Min(lowRow, rows.Low);
                highRow = i == 0 ? rows.High : Math.Max(highRow, rows.High);
                lowColumn = i == 0 ? columns.Low : Math.Min(lowColumn, columns.Low);
                highColumn = i == 0 ? columns.High : Math.Max(highColumn, columns.High);
            }

            // The first phase has the most outputs.
            ref var first = ref Pass.Phases[0];
            LowRow = lowRow;
            _rowReach = highRow - lowRow + 1;
            _rowStride = first.Rows.Stride;
            int reached = ((first.Columns.Out - 1) * first.Columns.Stride) + highColumn - lowColumn + 1;
            SourcePlane = new CpuLanePlane(lowColumn, reached, Pass.SourceRows, Pass.SourceColumns);
            OutputPlane = new CpuLanePlane(0, Math.Max(Pass.OutputColumns, Run4 * Pass.OutStrideW), Pass.OutputRows, Pass.OutputColumns);

            int rowFloats = ((SourcePlane.Columns * _rowStride) + (2 * OutputPlane.Columns * Pass.OutStrideH)) * TSimd.Width;
            _stripRows = Math.Clamp(PlaneBudget / rowFloats, 1, first.Rows.Out);
            if (Pass.Images * Blocks < 2 * threads)
            {
                // Too few images and channels for the threads: lower strips.
                int wanted = (2 * threads) / (Pass.Images * Blocks);
                _stripRows = Math.Clamp((first.Rows.Out + wanted - 1) / wanted, 1, _stripRows);
            }

            _strips = (first.Rows.Out + _stripRows - 1) / _stripRows;
        }

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            float* source = Scratch.Of(worker), output = source + SourceFloats, plus = output + OutputFloats;
            for (int n = begin; n < end; n++)
            {
                int strip = n % _strips, block = n / _strips % Blocks, image = n / _strips / Blocks;
                int channel = block * TSimd.Width, channels = Math.Min(TSimd.Width, Pass.Channels - channel);
                int y = strip * _stripRows, rows = Math.Min(_stripRows, Pass.Phases->Rows.Out - y);
                long plane = ((long)image * Pass.Channels) + channel;
                SourcePlane.Fill<TSimd, V>(
                    Pass.Source + (plane * Pass.SourceRows * Pass.SourceColumns), channels, (y * _rowStride) + LowRow, SourceRowsOf(rows), source);

                int outRow = y * Pass.OutStrideH, outRows = Math.Min(rows * Pass.OutStrideH, Pass.OutputRows - outRow);
                long at = plane * Pass.OutputRows * Pass.OutputColumns;
                if (Pass.Plus != null)
                {
                    OutputPlane.Fill<TSimd, V>(Pass.Plus + at, channels, outRow, outRows, plus);
                }

                var epilogue = EpilogueOf(channel);
                epilogue.ToPlus = Pass.Plus != null ? (nint)(plus - output) : 0;
                for (int i = 0; i < Pass.PhaseCount; i++)
                {
                    Phase(Pass.Phases[i], block, y, Math.Min(rows, Pass.Phases[i].Rows.Out - y), source, output, epilogue);
                }

                OutputPlane.Empty<TSimd, V>(output, channels, outRow, outRows, Pass.Output + at);
            }
        }

        private readonly int SourceRowsOf(int rows) => ((rows - 1) * _rowStride) + _rowReach;

        private readonly CpuDepthwiseTile.Epilogue<V> EpilogueOf(int channel)
        {
            float* table = Tables + channel;
            int next = Blocks * TSimd.Width;
            return new CpuDepthwiseTile.Epilogue<V>
            {
                Bias = TSimd.Load(table),
                Mean = TSimd.Load(table + next),
                Scale = TSimd.Load(table + (2 * next)),
                Beta = TSimd.Load(table + (3 * next)),
                Normalises = Pass.Normalises,
                Activation = Pass.Activation,
                Step = Pass.OutStrideW * TSimd.Width,
            };
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Phase(
            in CpuDepthwisePhase phase, int block, int y, int rows, float* source, float* output, in CpuDepthwiseTile.Epilogue<V> epilogue)
        {
            int width = TSimd.Width, columns = phase.Columns.Out, taps = phase.Taps;
            if (rows <= 0 || columns <= 0)
            {
                return;
            }

            float* w = phase.Weights + ((long)block * taps * width);
            nint step = phase.Columns.Stride * width, sourceRow = (nint)_rowStride * SourcePlane.Columns * width;
            nint outRow = (nint)Pass.OutStrideH * OutputPlane.Columns * width;
            output += ((phase.OutRow * OutputPlane.Columns) + phase.OutColumn) * width;

            // Runs of four outputs, two at a time, over the ends of rows. The last run of a row overlaps the one before: the same sums again.
            int perRow = (columns + Run4 - 1) / Run4;
            float* lastSource = null, lastOutput = null;
            for (int i = 0; i < rows * perRow; i++)
            {
                int row = i / perRow, q = Math.Max(0, Math.Min((i - (row * perRow)) * Run4, columns - Run4));
                float* from = source + (row * sourceRow) + (q * step), to = output + (row * outRow) + (q * epilogue.Step);
                if (lastSource == null && i + 1 < rows * perRow)
                {
                    lastSource = from;
                    lastOutput = to;
                    continue;
                }

                lastSource = lastSource == null ? from : lastSource;
                lastOutput = lastOutput == null ? to : lastOutput;
                switch (phase.Columns.Stride)
                {
                    case 1:
                        CpuDepthwiseTile.TwoRuns<TSimd, V, CpuDepthwiseTile.Step1>(taps, w, phase.Offsets, lastSource, from, step, lastOutput, to, epilogue);
                        break;
                    case 2:
                        CpuDepthwiseTile.TwoRuns<TSimd, V, CpuDepthwiseTile.Step2>(taps, w, phase.Offsets, lastSource, from, step, lastOutput, to, epilogue);
                        break;
                    default:
                        CpuDepthwiseTile.TwoRuns<TSimd, V, CpuDepthwiseTile.StepAny>(taps, w, phase.Offsets, lastSource, from, step, lastOutput, to, epilogue);
                        break;
                }

                lastSource = lastOutput = null;
            }
        }
    }
}
