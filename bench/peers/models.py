"""Networks of the step benches as PyTorch modules, each with units(): what can freeze, in forward order, the head last."""

import torch.nn.functional as F
from torch import nn

from train_reference import BasicBlock, CifarResNet, Cnn, projection


class Subsample(nn.Module):
    """A shortcut without parameters: every second row and column, zero channels before and after (arXiv 1512.03385, option A)."""

    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        self.stride, self.pad = stride, (out_channels - in_channels) // 2

    def forward(self, x):
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.pad, self.pad))


class ResNet18(nn.Module):
    """ResNet-18 with a 3x3 stem without pooling, for 32x32."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        channels, blocks = 64, []
        for stage in range(4):
            width = 64 << stage
            for b in range(2):
                blocks.append(BasicBlock(channels, width, 2 if stage > 0 and b == 0 else 1, projection))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(channels, 10)

    def units(self):
        return {"stem": [self.conv1, self.bn1], **{f"block{i}": [b] for i, b in enumerate(self.blocks)}, "head": [self.fc]}

    def forward(self, x):
        return self.fc(self.blocks(F.relu(self.bn1(self.conv1(x)))).mean((2, 3)))


class Vgg11(nn.Module):
    """VGG-11 with batch normalisation and one linear layer, for 32x32."""

    def __init__(self):
        super().__init__()
        layers, channels = [], 3
        for width in (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"):
            if width == "M":
                layers[-1].append(nn.MaxPool2d(2, 2))
                continue
            layers.append(nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)))
            channels = width
        self.features = nn.Sequential(*layers)
        self.fc = nn.Linear(512, 10)

    def units(self):
        return {**{f"conv{i}": [layer] for i, layer in enumerate(self.features)}, "head": [self.fc]}

    def forward(self, x):
        return self.fc(self.features(x).flatten(1))


class InvertedResidual(nn.Module):
    def __init__(self, in_channels, out_channels, stride, expansion):
        super().__init__()
        hidden = in_channels * expansion
        layers = [] if expansion == 1 else [nn.Conv2d(in_channels, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6(inplace=True)]
        layers += [nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6(inplace=True),
                   nn.Conv2d(hidden, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)]
        self.layers = nn.Sequential(*layers)
        self.same = stride == 1 and in_channels == out_channels

    def forward(self, x):
        return x + self.layers(x) if self.same else self.layers(x)


class MobileNetV2(nn.Module):
    """MobileNetV2 for 32x32: strides 1 in the stem and in the first stage that would halve."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6(inplace=True))
        channels, blocks = 32, []
        for expansion, width, count, stride in ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
            for b in range(count):
                blocks.append(InvertedResidual(channels, width, stride if b == 0 else 1, expansion))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Sequential(nn.Conv2d(320, 1280, 1, bias=False), nn.BatchNorm2d(1280), nn.ReLU6(inplace=True))
        self.fc = nn.Linear(1280, 10)

    def units(self):
        return {"stem": [self.stem], **{f"block{i}": [b] for i, b in enumerate(self.blocks)}, "last": [self.last], "head": [self.fc]}

    def forward(self, x):
        return self.fc(self.last(self.blocks(self.stem(x))).mean((2, 3)))


# Name -> (how it is built, shape of an image).
MODELS = {
    "cnn": (Cnn, (1, 28, 28)),
    "resnet8": (lambda: CifarResNet(1, 1, projection), (1, 28, 28)),
    "resnet20": (lambda: CifarResNet(3, 3, Subsample), (3, 32, 32)),
    "resnet18": (ResNet18, (3, 32, 32)),
    "vgg11_bn": (Vgg11, (3, 32, 32)),
    "mobilenet_v2": (MobileNetV2, (3, 32, 32)),
}
