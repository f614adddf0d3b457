
namespace SmartFrz.Nn;

/// <summary>The global norm of all gradients of a network.</summary>
public static class GradientNorm
{
    // As in PyTorch's clip_grad_norm_: keeps a norm of zero from dividing by zero.
    private const double Epsilon = 1e-6;

    /// <summary>Computes the square root of the sum of the squares of all gradients. Waits for the device.</summary>
    public static double Of(Module module)
    {
        double sum = 0;
        foreach (var parameter in module.Parameters().Where(p => p.Variable.HasGradient))
        {
            var gradient = new float[parameter.Shape.Count];
            module.Engine.Context.Download<float>(parameter.Variable.Gradient, gradient);
            sum += gradient.Sum(g => (double)g * g);
        }

        return Math.Sqrt(sum);
    }

    /// <summary>The factor that brings the global norm down to a limit: min(1, limit / (norm + 1e-6)).</summary>
    public static float ClipScale(Module module, float limit) => (float)Math.Min(1.0, limit / (Of(module) + Epsilon));
}
