using System.CommandLine;
using System.Reflection;
using SmartFrz.Cli;

return await CommandLineRunner.RunAsync(args);

namespace SmartFrz.Cli
{
    /// <summary>
    /// Parses and runs a command line. Exit codes: 0 done, 1 failed while running, 2 wrong use or data, 130 interrupted. A wrong
    /// use is one line on standard error.
    /// </summary>
    internal static class CommandLineRunner
    {
        /// <summary>The whole command line.</summary>
        public static RootCommand Build()
        {
            var root = new RootCommand("Trains networks and freezes their layers on the way, on a CPU or an NVIDIA GPU.");
            var commands = Assembly.GetExecutingAssembly().GetTypes()
                .Where(t => t is { IsClass: true, IsAbstract: false } && t.IsAssignableTo(typeof(ICliCommand)))
                .Select(t => (ICliCommand)Activator.CreateInstance(t)!)
                .OrderBy(c => c.Order);
            foreach (var command in commands)
            {
                root.Subcommands.Add(command.Build());
            }

            return root;
        }

        public static async Task<int> RunAsync(string[] args)
        {
            var root = Build();
            var parsed = root.Parse(args);
            if (parsed.Errors.Count > 0)
            {
                return Failure.Report(Failure.WrongUse, Suggestions.For(parsed));
            }

            try
            {
                return await parsed.InvokeAsync(new InvocationConfiguration
                {
                    EnableDefaultExceptionHandler = false,
                    // Saving after Ctrl+C takes as long as it takes: the default of two seconds would cut it off half-way.
                    ProcessTerminationTimeout = TimeSpan.FromHours(1),
                });
            }
            catch (Exception e)
            {
                return Failure.Report(e);
            }
        }
    }
}
