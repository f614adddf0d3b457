using System.Text.Json;
using System.Text.Json.Nodes;
using SmartFrz.Nn;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze;

/// <summary>Fills the sections of a configuration with the defaults of what they name, so that it says all that a run depends on.</summary>
/// <remarks>What follows the machine (device, threads, instruction set) and what is not set at all (null) stays as it was given.</remarks>
internal static class ResolvedConfig
{
    /// <summary>The configuration with every option written out.</summary>
    /// <exception cref="OptionException">An option is unknown or does not fit.</exception>
    public static RunConfig Of(RunConfig config, NetworkInput input)
    {
        string model = OptionBinder.Named(config.Model, "model", "").Name, data = OptionBinder.Named(config.Data, "data", "").Name;
        string policy = FreezeRun.PolicyOf(config);
        var (optimizer, schedule) = (Optimizers.Read(config.Optimizer), Schedules.Read(config.Schedule));
        var common = OptionBinder.Bind<CommonFreezeOptions>(RunConfig.Only(config.Freeze, CommonFreezeOptions.Keys), "freeze");
        return config with
        {
            Model = Whole(
                OptionBinder.Find("model", model, ModelZoo.All()).Options,
                ConfiguredNetwork.OptionsOf(config, input),
                "model",
                Named("name", model),
                RunConfig.Only(config.Model, ConfiguredNetwork.WeightsKeys)),
            Data = Whole(
                DataSources.Find(data).Options,
                RunConfig.OptionsOf(config.Data, ["name", .. CommonDataOptions.Keys]),
                "data",
                Named("name", data),
                RunConfig.Only(config.Data, CommonDataOptions.Keys)),
            Optimizer = Whole(optimizer.Options, Named("name", optimizer.Family.Name)),
            Schedule = Whole(schedule.Options, Named("name", schedule.Family.Name)),
            Freeze = Whole(
                OptionBinder.Find("policy", policy, FreezePolicies.All()).Options,
                RunConfig.OptionsOf(config.Freeze, ["policy", .. CommonFreezeOptions.Keys]),
                "freeze",
                Named("policy", policy),
                (JsonObject)JsonSerializer.SerializeToNode(common, OptionBinder.Json)!),
        };
    }

    private static JsonObject Named(string key, string name) => new() { [key] = name };

    private static JsonObject Whole(Type type, JsonObject given, string path, params IEnumerable<JsonObject> before) =>
        Whole(OptionBinder.Bind(type, given, path), before);

    private static JsonObject Whole(object options, params IEnumerable<JsonObject> before)
    {
        var whole = new JsonObject();
        foreach (var (key, value) in before.Append((JsonObject)JsonSerializer.SerializeToNode(options, options.GetType(), OptionBinder.Json)!).SelectMany(part => part))
        {
            if (value is not null)
            {
                whole[key] = value.DeepClone();
            }
        }

        return whole;
    }
}
