using System.CommandLine;
using SmartFrz.Bench.Kernels;
using SmartFrz.Bench.Pairs;
using SmartFrz.Bench.Reports;

return new RootCommand("Benches of SmartFrz") { PairCommand.Build(), KernelsCommand.Build(), ReportCommand.Build() }.Parse(args).Invoke();
