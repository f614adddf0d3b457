namespace SmartFrz.Kernels.Tests;

/// <summary>Where threads that part at a branch meet again: at the first instruction that all their paths come through.</summary>
internal static class PtxReconvergence
{
    /// <summary>The immediate post-dominator of each instruction; the number of instructions stands for the end of the thread.</summary>
    public static int[] Of(IReadOnlyList<PtxOp> ops)
    {
        int n = ops.Count;
        var next = new int[n][];
        var before = new List<int>[n + 1];
        for (int i = 0; i <= n; i++)
        {
            before[i] = [];
        }

        for (int i = 0; i < n; i++)
        {
            bool always = ops[i].Guard < 0;
            next[i] = ops[i].Kind switch
            {
                PtxOpKind.Exit => always ? [n] : [n, i + 1],
                PtxOpKind.Branch => always ? [ops[i].Target] : [ops[i].Target, i + 1],
                _ => [i + 1],
            };
            foreach (int j in next[i])
            {
                before[j].Add(i);
            }
        }

        var (order, rank) = FromTheEnd(n, before);
        var dominator = new int[n + 1];
        Array.Fill(dominator, -1);
        dominator[n] = n;
        for (bool changed = true; changed;)
        {
            changed = false;
            foreach (int i in order.Where(i => i != n))
            {
                int best = -1;
                foreach (int j in next[i].Where(j => dominator[j] >= 0))
                {
                    best = best < 0 ? j : Meet(best, j, dominator, rank);
                }

                changed |= dominator[i] != best;
                dominator[i] = best;
            }
        }

        return dominator[..n];
    }

    private static int Meet(int a, int b, int[] dominator, int[] rank)
    {
        while (a != b)
        {
            while (rank[a] > rank[b])
            {
                a = dominator[a];
            }

            while (rank[b] > rank[a])
            {
                b = dominator[b];
            }
        }

        return a;
    }

    // Reverse post-order of a walk against the flow.
    private static (int[] Order, int[] Rank) FromTheEnd(int n, List<int>[] before)
    {
        var post = new List<int>();
        var seen = new bool[n + 1];
        var stack = new Stack<(int Node, int Edge)>();
        stack.Push((n, 0));
        seen[n] = true;
        while (stack.TryPop(out var top))
        {
            if (top.Edge == before[top.Node].Count)
            {
                post.Add(top.Node);
                continue;
            }

            stack.Push((top.Node, top.Edge + 1));
            int child = before[top.Node][top.Edge];
            if (!seen[child])
            {
                seen[child] = true;
                stack.Push((child, 0));
            }
        }

        post.Reverse();
        var rank = new int[n + 1];
        for (int i = 0; i < post.Count; i++)
        {
            rank[post[i]] = i;
        }

        return ([.. post], rank);
    }
}
