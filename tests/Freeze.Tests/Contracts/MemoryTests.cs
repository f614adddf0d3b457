using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze.Tests;

/// <summary>Tests that look at the whole process: they run by themselves.</summary>
[CollectionDefinition(nameof(MemoryTests), DisableParallelization = true)]
public sealed class MemoryTestsCollection;

[Collection(nameof(MemoryTests))]
public sealed class MemoryTests
{
    private const int WarmUp = 20, Window = 200, Windows = 3;

    [Fact]
    public void The_peak_of_a_frozen_prefix_of_ten_blocks_is_that_of_two()
    {
        long two = Peak(e => new BlockNet(ModuleScope.Root(e, 1), frozen: 2, trainable: 2), "frozen"), ten = Peak(e => new BlockNet(ModuleScope.Root(e, 1), frozen: 10, trainable: 2), "frozen");
        Assert.InRange(ten, 0.95 * two, 1.05 * two);
        long trained = Peak(e => new BlockNet(ModuleScope.Root(e, 1), frozen: 10, trainable: 2));
        Assert.True(trained > 2 * ten, $"{trained} bytes without freezing, {ten} with");
    }

    [Fact]
    public void With_only_the_head_left_the_depth_of_a_resnet_takes_no_memory()
    {
        // Depth 6n+2: 6 blocks and 30.
        var options = new CifarResNetOptions { Width = 4, InChannels = 1 };
        long shallow = Peak(e => new CifarResNet(ModuleScope.Root(e, 1), 14, options), "conv1", "bn1", "layer1", "layer2", "layer3");
        long deep = Peak(e => new CifarResNet(ModuleScope.Root(e, 1), 62, options), "conv1", "bn1", "layer1", "layer2", "layer3");
        Assert.InRange(deep, 0.95 * shallow, 1.05 * shallow);
    }

    [Theory]
    [InlineData("schedule")]
    [InlineData("smartfrz")]
    public void Memory_is_flat_after_the_first_steps(string policy)
    {
        using var folder = new TemporaryFolder();
        FreezePolicy Make() => policy == "schedule"
            ? new SchedulePolicy(new SchedulePolicyOptions { Schedule = ["stem@5", "layer1@8"] })
            : TestPredictor.Policy(TestPredictor.Write(folder.Path, TestPredictor.Never));
        using var device = new CpuDevice(threads: 2);
        var memory = new List<(long Live, long Reserved)>();
        var heap = new List<long>();
        var watch = new Watch
        {
            OnStepStarting = c =>
            {
                if (c.Step >= WarmUp && (c.Step - WarmUp) % Window == 0)
                {
                    memory.Add((c.Engine.Context.Memory.Live, c.Engine.Context.Memory.Reserved));
                    heap.Add(HeapBytes());
                }
            },
        };
        using var run = new FrozenRun(device, Make(), stepsPerEpoch: 5, epochs: ((WarmUp + (Windows * Window)) / 5) + 1, poison: false, before: watch);
        run.Trainer.Run();
        Assert.Equal(policy == "schedule" ? 2 : 0, run.Freezing.Events.Count);
        Assert.Equal(policy == "smartfrz", run.Engine.Context.Launches[Phase.Freeze].Launches > Windows * Window);
        Assert.Equal(Windows + 1, memory.Count);
        Assert.All(memory, m => Assert.Equal(memory[0], m));

        // The test host's own threads let the heap jump in one window or another; a leak grows in every one. 16 KB are 80 bytes a step.
        long growth = heap.Zip(heap.Skip(1), (x, y) => y - x).Min();
        Assert.True(growth < 16 * 1024, $"the heap grows by at least {growth} bytes in {Window} steps: {string.Join(", ", heap)}");
    }

    // Without the parameters themselves, after a first step has set everything up.
    private static long Peak(Func<Engine, Network> build, params string[] frozen)
    {
        using var device = new CpuDevice(threads: 2);
        using var engine = new Engine(device);
        using var network = build(engine);
        using var optimizer = new Sgd(network, momentum: 0.9f);
        FreezeState.Empty.Change(frozen, []).WriteTo(network);
        var memory = engine.Context.Memory;
        const int Batch = 8;
        var pixels = new float[Batch * network.InputShape.Count];
        for (int step = 0; step < 2; step++)
        {
            memory.ResetPeak();
            using (engine.BeginStep())
            {
                var x = engine.FromHost<float>(pixels, new Shape(Batch, 1, network.InputShape[1], network.InputShape[2]));
                engine.Backward(network.Call(x).CrossEntropy(engine.FromHost<int>(new int[Batch], new Shape(Batch))));
            }

            optimizer.Step(0.1f);
            optimizer.ClearGradients();
        }

        return memory.Peak - memory.LiveOf(BufferKind.Parameter);
    }

    private static long HeapBytes()
    {
        for (int i = 0; i < 2; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        return GC.GetTotalMemory(forceFullCollection: true);
    }

    /// <summary>Residual blocks that freeze, and then some that do not.</summary>
    private sealed class BlockNet : Network
    {
        private const int Width = 4;

        private readonly List<BasicBlock> _blocks = [];
        private readonly Conv2d _stem;
        private readonly Linear _head;

        public BlockNet(ModuleScope scope, int frozen, int trainable)
            : base(scope)
        {
            _stem = Add(new Conv2d(scope.Child("frozen.stem"), 1, Width, 3, new Conv2dOptions(1, 1)));
            for (int b = 0; b < frozen + trainable; b++)
            {
                string part = b < frozen ? "frozen" : "trainable";
                _blocks.Add(Add(new BasicBlock(scope.Child(FormattableString.Invariant($"{part}.{b}")), Width, Width, 1, Shortcut.A)));
            }

            _head = Add(new Linear(scope.Child("head"), Width, NumClasses));
        }

        public override string Name => "blocks";

        public override Shape InputShape { get; } = new(1, 32, 32);

        public override int NumClasses => 10;

        protected override IReadOnlyList<FreezableUnit> Blocks { get; } =
            [new FreezableUnit("frozen"), new FreezableUnit("trainable"), new FreezableUnit("head", ["head"], IsHead: true)];

        protected override Tensor Forward(Tensor input)
        {
            var x = _stem.Call(input);
            foreach (var block in _blocks)
            {
                var before = x;
                x = block.Call(x);
                before.Dispose();
            }

            return _head.Call(x.Mean([2, 3]));
        }
    }
}
