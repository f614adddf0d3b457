#!/bin/sh
# Makes src/Freeze/Predictor/default.safetensors again: records labelled weight histories on the embedded data (about 40 minutes on two
# cores), then trains the predictor and prints its held-out quality. Seeds 1 to 10 and from 200 on are never among the recorded runs: they
# belong to the demonstration, the calibration of the policy and the acceptance study.
#
# The schedules differ on purpose: with one schedule alone, time is as good as any predictor.
set -eu
out=${1:?usage: bench/make-predictor.sh DIRECTORY-FOR-HISTORIES}
mkdir -p "$out"
smartfrz() { dotnet run -c Release --project "$(dirname "$0")/../src/Cli" -- "$@"; }

names=
collect() {
    name=$1; seeds=$2; shift 2
    [ -s "$out/$name.safetensors" ] || smartfrz predictor collect "$@" --threads 1 --reference-seed 1000 --seeds "$seeds" --output "$out/$name.safetensors"
    names=${names:+$names,}$out/$name.safetensors
}
collect cnn-cosine 21,22,23,24,25,26 --model cnn --lr 0.05
collect cnn-step 27,28,29 --model cnn --lr 0.05 --schedule step
collect resnet8-constant 51,52,53 --model resnet8 --schedule constant --lr 0.02 --epochs 6
collect resnet8-cosine-a 11,12,13,14 --model resnet8
collect resnet8-cosine-b 15,16,17,18 --model resnet8
collect resnet8-cosine4 31,32,33,34 --model resnet8 --epochs 4
collect resnet8-low 71,72,73 --model resnet8 --lr 0.03
collect resnet8-step 41,42,43,44 --model resnet8 --schedule step

# At least one run of each kind is held out.
smartfrz predictor train --histories "$names" --held-out-seeds 17,18,34,44,53,26,29,73 --output "$out/default.safetensors"
