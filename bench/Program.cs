using System.CommandLine;
using SmartFrz.Bench.Pairs;

return new RootCommand("Benches of SmartFrz") { PairCommand.Build() }.Parse(args).Invoke();
