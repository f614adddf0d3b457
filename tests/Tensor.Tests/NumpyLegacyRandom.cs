namespace SmartFrz.Tensors.Tests;

/// <summary>
/// numpy's legacy generator (numpy.random.seed, randn), so that published values can be recomputed: MT19937 seeded by one word, and
/// Marsaglia's polar method for normal numbers.
/// </summary>
internal sealed class NumpyLegacyRandom
{
    // MT19937: state size, middle word, and the constants of Matsumoto and Nishimura (1998).
    private const int N = 624, M = 397;

    private readonly uint[] _state = new uint[N];
    private int _next = N;
    private double? _spare;

    public NumpyLegacyRandom(uint seed)
    {
        _state[0] = seed;
        for (uint i = 1; i < N; i++)
        {
            uint before = _state[i - 1];
            _state[i] = (1812433253u * (before ^ (before >> 30))) + i;
        }
    }

    public double Normal()
    {
        if (_spare is { } spare)
        {
            _spare = null;
            return spare;
        }

        double x, y, r;
        do
        {
            x = (2 * Uniform()) - 1;
            y = (2 * Uniform()) - 1;
            r = (x * x) + (y * y);
        }
        while (r is >= 1 or 0);

        double f = Math.Sqrt(-2 * Math.Log(r) / r);
        _spare = f * x;
        return f * y;
    }

    public double[] Normals(int count)
    {
        var values = new double[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = Normal();
        }

        return values;
    }

    // 53 bits from two words.
    private double Uniform()
    {
        uint high = Word() >> 5, low = Word() >> 6;
        return ((high * 67108864.0) + low) / 9007199254740992.0;
    }

    private uint Word()
    {
        if (_next == N)
        {
            for (int i = 0; i < N; i++)
            {
                uint y = (_state[i] & 0x80000000u) | (_state[(i + 1) % N] & 0x7FFFFFFFu);
                _state[i] = _state[(i + M) % N] ^ (y >> 1) ^ ((y & 1) != 0 ? 0x9908B0DFu : 0u);
            }

            _next = 0;
        }

        uint w = _state[_next++];
        w ^= w >> 11;
        w ^= (w << 7) & 0x9D2C5680u;
        w ^= (w << 15) & 0xEFC60000u;
        return w ^ (w >> 18);
    }
}
