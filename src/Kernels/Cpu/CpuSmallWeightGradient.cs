using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// The weight gradient of small images. dW[k, c, tap] sums over the pixels of all images that meet a source pixel through the tap;
/// both operands are laid out pixel by pixel, the images of a pixel behind one another, so that these are a few long runs. A product for each
/// tap, and padding costs nothing. Every number is summed by one thread in one order.
/// </summary>
internal unsafe struct CpuSmallWeightGradient : ISimdAction
{
    // Floats of one panel of input channels, for all pixels of some images; a longer sum is done in several rounds.
    private const int PanelBudget = 128 * 1024;

    // Pixels of an image that count as few, and weights below which the gradient by pixels is as good.
    private const int SmallImage = 64;
    private const long LeastWeights = 64 * 1024;

    public CpuPool Pool;
    public Conv2dShape Shape;
    public float* X, Dy, Dw;
    public bool Accumulate;

    /// <summary>Whether a convolution's gradient is better done so.</summary>
    public static bool Fits(in Conv2dShape s) => s.Groups == 1 && Math.Max(s.H * s.W, s.P * s.Q) <= SmallImage && s.WeightCount >= LeastWeights;

    public void Run<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        using var alone = Pool.Exclusive();
        int max = CpuTile.MaxRows<S, V>(), lanes = 2 * S.Width, input = Shape.H * Shape.W, output = Shape.P * Shape.Q, taps = Shape.R * Shape.S;
        int atATime = Math.Clamp(PanelBudget / (lanes * Math.Max(input, output)), 1, Shape.N), rounds = (Shape.N + atATime - 1) / atATime;
        atATime = (Shape.N + rounds - 1) / rounds;
        var body = new Body<S, V>
        {
            Shape = Shape,
            X = X,
            Images = atATime,
            Tiles = (Shape.K + max - 1) / max,
            Panels = (Shape.C + lanes - 1) / lanes,
            SumPitch = (long)taps * lanes,
        };
        body.Parts = Math.Clamp((Pool.Threads + body.Panels - 1) / body.Panels, 1, body.Tiles);

        // A panel of sums for each panel of channels: [K][taps][lanes].
        long sums = body.Panels * Shape.K * body.SumPitch, turned = (long)Shape.K * output * atATime;
        int mapLength = CpuTapMap.Length(Shape, false), offsets = mapLength * atATime;
        float* shared = Pool.Shared(sums + turned + mapLength + offsets);
        body.Sums = shared;
        body.Dy = shared + sums;
        body.Map = CpuTapMap.Of(Shape, false, (int*)(body.Dy + turned));
        body.Offsets = (int*)(body.Dy + turned) + mapLength;
        body.Scratch = Pool.Scratch((long)lanes * input * atATime);
        for (int n = 0; n < Shape.N; n += atATime)
        {
            int images = Math.Min(atATime, Shape.N - n);
            WriteOffsets(body.Map, images, lanes, body.Offsets);
            var turn = new TurnBody<S, V> { Into = body, Dy = Dy + ((long)n * Shape.K * output), Images = images };
            Pool.For(body.Tiles, 1, ref turn);
            body.FirstImage = n;
            body.Images = images;
            Pool.ForPieces(body.Count, body.Count, ref body);
        }

        var store = new StoreBody { Sums = body.Sums, Outs = Shape.K, Channels = Shape.C, Taps = taps, Lanes = lanes, Dw = Dw, Accumulate = Accumulate };
        Pool.For(Shape.K, (int)Math.Clamp(16 * 1024 / (Shape.C * taps), 1, int.MaxValue), ref store);
    }

    // For each tap, output pixel and image, where its source lies in a panel.
    private static void WriteOffsets(in CpuTapMap map, int images, int lanes, int* offsets)
    {
        for (int tap = 0; tap < map.Taps; tap++)
        {
            for (int p = 0; p < map.Outputs; p++)
            {
                int pixel = map.Source(p, tap);
                for (int n = 0; n < images; n++)
                {
                    *offsets++ = pixel == CpuTapMap.None ? 0 : ((pixel * images) + n) * lanes;
                }
            }
        }
    }

    // One index is a tile of output channels of dY: pixel by pixel, image by image, the tile's channels side by side.
    private struct TurnBody<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public Body<S, V> Into;
        public float* Dy;
        public int Images;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            int pixels = Into.Map.Outputs;
            for (int tile = begin; tile < end; tile++)
            {
                int row = Into.TileStart(tile), rows = Into.TileStart(tile + 1) - row;
                float* panel = Into.Dy + ((nint)row * pixels * Images);
                for (int n = 0; n < Images; n++)
                {
                    CpuPanels.Transpose(Dy + ((((nint)n * Into.Shape.K) + row) * pixels), pixels, rows, pixels, panel + (n * rows), rows, (nint)Images * rows);
                }
            }
        }
    }

    // One index is a panel of input channels, two registers, for a part of the output channels.
    private struct Body<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public Conv2dShape Shape;
        public WorkerScratch Scratch;
        public CpuTapMap Map;
        public int* Offsets;
        public float* X, Dy, Sums;
        public long SumPitch;
        public int FirstImage, Images, Tiles, Panels, Parts;

        public readonly int Count => Panels * Parts;

        public readonly int TileStart(int tile) => (int)((long)tile * Shape.K / Tiles);

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            int lanes = 2 * S.Width;
            float* turned = Scratch.Of(worker);
            for (int piece = begin; piece < end; piece++)
            {
                int panel = piece / Parts, part = piece % Parts, channel = panel * lanes, channels = Math.Min(lanes, Shape.C - channel);
                for (int n = 0; n < Images; n++)
                {
                    float* image = X + ((((nint)(FirstImage + n) * Shape.C) + channel) * Map.Sources);
                    CpuPanels.Transpose(image, Map.Sources, channels, Map.Sources, turned + (n * lanes), lanes, (nint)Images * lanes);
                }

                float* sums = Sums + (panel * Shape.K * SumPitch);
                for (int tile = part * Tiles / Parts; tile < (part + 1) * Tiles / Parts; tile++)
                {
                    Tile(tile, turned, sums + (TileStart(tile) * SumPitch));
                }
            }
        }

        // All taps for one tile of output channels.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Tile(int tile, float* turned, float* sums)
        {
            int row = TileStart(tile), rows = TileStart(tile + 1) - row;
            float* dy = Dy + ((nint)row * Map.Outputs * Images);
            for (int tap = 0; tap < Map.Taps; tap++, sums += 2 * S.Width)
            {
                bool add = FirstImage > 0;
                int from = 0, end;
                do
                {
                    // Perhaps an empty run: a tap that meets padding alone still gets its zeros.
                    Map.NextOutputs(tap, ref from, out end);
                    CpuTile.Run<S, V>(
                        rows,
                        (end - from) * Images,
                        dy + ((nint)from * Images * rows),
                        Offsets + (((tap * Map.Outputs) + from) * Images),
                        turned,
                        turned + S.Width,
                        sums,
                        sums + S.Width,
                        (nint)SumPitch,
                        add ? sums : null,
                        null,
                        null);
                    add = true;
                    from = end;
                }
                while (Map.NextOutputs(tap, ref from, out end));
            }
        }
    }

    // One index is one output channel: its row of dW is put together from the panels.
    private struct StoreBody : IParallelBody
    {
        public float* Sums, Dw;
        public int Outs, Channels, Taps, Lanes;
        public bool Accumulate;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            for (int k = begin; k < end; k++)
            {
                for (int channel = 0; channel < Channels; channel += Lanes)
                {
                    float* from = Sums + (((((long)channel / Lanes) * Outs) + k) * Taps * Lanes), to = Dw + ((((long)k * Channels) + channel) * Taps);
                    int some = Math.Min(Lanes, Channels - channel);
                    if (Accumulate)
                    {
                        for (int i = 0; i < some; i++)
                        {
                            for (int tap = 0; tap < Taps; tap++)
                            {
                                to[(i * Taps) + tap] += from[(tap * Lanes) + i];
                            }
                        }

                        continue;
                    }

                    CpuPanels.TransposeOut(from, Lanes, some, Taps, to, Taps);
                }
            }
        }
    }
}
