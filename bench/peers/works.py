"""What the paired benches time, as PyTorch does it. A class for each kind of work; part(name) is a function that runs that part once."""

import torch
import torch.nn.functional as F

import heap
from models import MODELS
from step import Candidate


class Conv:
    """The passes of a convolution; the gradients by the operator that autograd calls, each by itself."""

    def __init__(self, n, c, h, k, r=3, w=None, s=None, stride=1, padding=0, dilation=1, groups=1):
        self.x = torch.randn(n, c, h, w or h)
        self.w = torch.randn(k, c // groups, r, s or r)
        self.options = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
        self.dy = torch.randn_like(F.conv2d(self.x, self.w, **self.options))
        both = [[v, v] for v in (stride, padding, dilation)]
        self.rest = (None, *both, False, [0, 0], groups)

    def gradient(self, mask):
        torch.ops.aten.convolution_backward(self.dy, self.x, self.w, *self.rest, mask)

    def forward(self):
        with torch.no_grad():
            F.conv2d(self.x, self.w, **self.options)

    def part(self, name):
        return {
            "forward": self.forward,
            "input_gradient": lambda: self.gradient([True, False, False]),
            "weight_gradient": lambda: self.gradient([False, True, False]),
        }[name]


class MatMul:
    """A matrix product into memory that is there."""

    def __init__(self, m, n, k, trans_a=False, trans_b=False, batch=1):
        self.a = torch.randn(batch, *((k, m) if trans_a else (m, k)))
        self.b = torch.randn(batch, *((n, k) if trans_b else (k, n)))
        self.a = self.a.transpose(1, 2) if trans_a else self.a
        self.b = self.b.transpose(1, 2) if trans_b else self.b
        if batch == 1:
            self.a, self.b = self.a[0], self.b[0]
        self.c = torch.matmul(self.a, self.b)

    def part(self, name):
        return lambda: torch.matmul(self.a, self.b, out=self.c)


class Cka:
    """Linear CKA by Gram matrices with the unbiased estimator, from the features to the number."""

    def __init__(self, samples, features):
        self.n = samples
        self.x, self.y = torch.rand(samples, features) * 2 - 1, torch.rand(samples, features) * 2 - 1

    def hsic(self, k, l):
        n = self.n
        term = k.sum() * l.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * (k.sum(0) @ l.sum(0))
        return ((k * l).sum() + term) / (n * (n - 3))

    def part(self, name):
        def run():
            with torch.no_grad():
                k, l = self.x @ self.x.T, self.y @ self.y.T
                k.fill_diagonal_(0)
                l.fill_diagonal_(0)
                return (self.hsic(k, l) / (self.hsic(k, k) * self.hsic(l, l)).sqrt()).item()

        return run


class TransformerBlock:
    """A transformer block with the norms in front: forward pass and all gradients, the input's too."""

    def __init__(self, batch, tokens, width, heads, hidden):
        self.shape = (batch, tokens, 3, heads, width // heads)
        linear = torch.nn.Linear
        self.qkv, self.out, self.first, self.second = linear(width, 3 * width), linear(width, width), linear(width, hidden), linear(hidden, width)
        self.norm1, self.norm2 = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.layers = torch.nn.ModuleList([self.qkv, self.out, self.first, self.second, self.norm1, self.norm2])
        self.x = torch.randn(batch, tokens, width, requires_grad=True)
        self.dy = torch.randn(batch, tokens, width)

    def step(self):
        self.layers.zero_grad(set_to_none=True)
        self.x.grad = None
        x = self.x
        q, k, v = self.qkv(self.norm1(x)).reshape(self.shape).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(q @ k.transpose(-2, -1) * self.shape[-1] ** -0.5, -1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(x.shape))
        x = x + self.second(F.gelu(self.first(self.norm2(x))))
        x.backward(self.dy)

    def part(self, name):
        return self.step


class Step:
    """Training steps of a model with frozen prefixes; a part for each percentage."""

    def __init__(self, model, batch, frozen=(0, 25, 50, 75)):
        self.name = model["name"]
        shape = MODELS[self.name][1]
        self.candidates = {f"{share:g}": Candidate(self.name, share) for share in frozen}
        self.x = torch.randn(batch, *shape)
        self.y = torch.randint(10, (batch,))

    def part(self, name):
        candidate = self.candidates[name]
        return lambda: candidate.step(self.x, self.y)

    def peak_bytes(self, name):
        """Of three steps of a model of its own, parameters and optimizer included."""
        def run():
            candidate = Candidate(self.name, float(name))
            for _ in range(3):
                candidate.step(self.x, self.y)

        return heap.peak_of(run)


class Passes:
    """The forward pass of a function, and its backward pass to all of its tensors."""

    def __init__(self, function, *tensors):
        self.function = function
        self.tensors = [t.requires_grad_() for t in tensors]
        self.y = function(*self.tensors)
        self.dy = torch.randn_like(self.y)

    def forward(self):
        with torch.no_grad():
            self.function(*self.tensors)

    def backward(self):
        torch.autograd.grad(self.y, self.tensors, self.dy, retain_graph=True)

    def part(self, name):
        return {"forward": self.forward, "backward": self.backward}[name]


class Attention(Passes):
    """Scaled dot-product attention of as many keys as queries."""

    def __init__(self, b, h, t, d, causal=False):
        hidden = torch.full((t, t), float("-inf")).triu(1) if causal else None

        def attend(q, k, v):
            scores = q @ k.transpose(-2, -1) * d**-0.5
            return torch.softmax(scores if hidden is None else scores + hidden, -1) @ v

        # Later versions have a function for it.
        own = getattr(F, "scaled_dot_product_attention", None)
        function = attend if own is None else lambda q, k, v: own(q, k, v, is_causal=causal)
        super().__init__(function, *(torch.randn(b, h, t, d) for _ in range(3)))


class Memory(Passes):
    """Passes over one large operand, and a copy of as much memory."""

    def __init__(self, function, x, *others):
        super().__init__(function, x, *others)
        self.source, self.copy = torch.randn(x.shape), torch.empty(x.shape)

    def part(self, name):
        return (lambda: self.copy.copy_(self.source)) if name == "copy" else super().part(name)


class LayerNorm(Memory):
    """Layer normalisation of rows."""

    def __init__(self, rows, columns):
        super().__init__(
            lambda x, w, b: F.layer_norm(x, (columns,), w, b), torch.randn(rows, columns), torch.randn(columns), torch.randn(columns))


class Gelu(Memory):
    """GELU by the error function or by tanh."""

    def __init__(self, elements, tanh=False):
        super().__init__(lambda x: F.gelu(x, approximate="tanh" if tanh else "none"), torch.randn(elements))


class BatchNorm(Memory):
    """Batch normalisation by the batch's own statistics with the ReLU, and the residual if there is one."""

    def __init__(self, n, c, plane, residual=False):
        mean, variance = torch.zeros(c), torch.ones(c)

        def normalise(x, w, b, *added):
            y = F.batch_norm(x, mean, variance, w, b, training=True)
            return F.relu_(y.add_(added[0]) if added else y)

        added = [torch.randn(n, c, plane)] if residual else []
        super().__init__(normalise, torch.randn(n, c, plane), torch.randn(c), torch.randn(c), *added)


class CrossEntropy(Memory):
    """Softmax cross-entropy of logits, the mean over the rows."""

    def __init__(self, rows, classes):
        targets = torch.arange(rows) % classes
        super().__init__(lambda x: F.cross_entropy(x, targets), torch.randn(rows, classes))


class Optimizer:
    """One update of a parameter by each optimizer."""

    def __init__(self, elements):
        self.copy, self.source = torch.empty(elements), torch.randn(elements)
        weight = torch.randn(elements, requires_grad=True)
        weight.grad = torch.randn(elements)
        self.optimizers = {
            "sgd": torch.optim.SGD([weight], lr=1e-9, momentum=0.9, weight_decay=1e-4),
            "adamw": torch.optim.AdamW([weight], lr=1e-9, weight_decay=0.01),
        }

    def part(self, name):
        return (lambda: self.copy.copy_(self.source)) if name == "copy" else self.optimizers[name].step


KINDS = {
    "attention": Attention,
    "batch_norm": BatchNorm,
    "cka": Cka,
    "conv": Conv,
    "cross_entropy": CrossEntropy,
    "gelu": Gelu,
    "layer_norm": LayerNorm,
    "matmul": MatMul,
    "optimizer": Optimizer,
    "step": Step,
    "transformer_block": TransformerBlock,
}
