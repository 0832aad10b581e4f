#!/usr/bin/env python3
"""Speed of our language model beside llama.cpp's, on the same GGUF file and the same threads, alternated in one run.

  against_llama_cpp.py target/release/examples/speed FILE.gguf [--rounds 3] [--threads 2] [--prompt 512] [--decode 32]
      [--depths 0,512] [--tera-operations N]

`run` beside this file installs what it needs, writes a file and builds the program.

Prints one JSON line: medians of tokens per second of both and per second of processor time (of all threads; the measure
to trust on a shared machine, though a waiting thread that spins counts too), their ratio (above 1: ours is faster), and
the share of the physical limit that ours reaches: while it writes, bytes that a token must read over the bandwidth
measured in the same run; while it reads, operations over what the processor does in 8-bit products, which is a constant
unless --tera-operations says it; then what three questions about one passage cost ours, in times of reading it once.
"""
import argparse, json, os, statistics, subprocess, sys, time

# 10^12 operations a second of one thread: half of the 0.55 that two threads sustained with `vpdpbusd` in a loop of C on a
# shared machine with AVX-512. Bursts reached 1.4, so a share above 1 says that the machine was at its best.
TERA_OPERATIONS = 0.275


def ours(args):
    command = [args.program, args.file, "--threads", str(args.threads), "--prompt", str(args.prompt),
               "--decode", str(args.decode), "--depths", args.depths]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    speeds = {"prefill": report["prefill"]["speed"]}
    speeds.update({f"decode at {row['depth']}": row["speed"] for row in report["decode"]})
    return speeds, report


def clock():
    return time.perf_counter(), time.process_time()


def speed(tokens, start):
    wall, processor = clock()
    return {"per_second": tokens / (wall - start[0]), "per_processor_second": tokens / (processor - start[1])}


def theirs_here(args):
    """Run in a process of its own, so that neither engine keeps the other's memory."""
    from llama_cpp import Llama
    depths = [int(depth) for depth in args.depths.split(",")]
    model = Llama(args.file, n_ctx=max(depths + [args.prompt]) + args.decode + 8, n_threads=args.threads,
                  n_threads_batch=args.threads, n_batch=512, n_ubatch=512, verbose=False, logits_all=False)
    vocabulary = model.n_vocab()
    tokens = lambda count: [index * 7919 % (vocabulary - 300) for index in range(count)]
    model.eval(tokens(32))
    model.reset()
    start = clock()
    model.eval(tokens(args.prompt))
    speeds = {"prefill": speed(args.prompt, start)}
    for depth in depths:
        model.reset()
        model.eval(tokens(max(depth, 1)))
        start = clock()
        for index in range(args.decode - 1):
            model.eval([index + 5])
        speeds[f"decode at {depth}"] = speed(args.decode - 1, start)
    print(json.dumps(speeds))


def theirs(args):
    command = [sys.executable, __file__, *sys.argv[1:], "--theirs"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def bandwidth(threads):
    """Bytes per second that so many threads read, by a sum over half a gigabyte each."""
    import threading
    import numpy
    parts = [numpy.ones(1 << 26, dtype=numpy.int64) for _ in range(threads)]
    best = 0.0
    for _ in range(3):
        workers = [threading.Thread(target=part.sum) for part in parts]
        start = time.perf_counter()
        [worker.start() for worker in workers]
        [worker.join() for worker in workers]
        best = max(best, threads * parts[0].nbytes / (time.perf_counter() - start))
    return best


def costs(file):
    """What a token costs at least: operations while it is read (two for each weight of the layers; attention is left
    out, and the output is computed for the last token alone), bytes of weights while one is written (all but the
    embedding, of which one row is read), and bytes of cache for each position before it (keys and values in 16 bits)."""
    from gguf import GGUFReader
    tensors = {tensor.name: tensor for tensor in GGUFReader(file).tensors}
    matrices = [tensor for name, tensor in tensors.items() if name.startswith("blk.") and len(tensor.shape) == 2]
    weights = sum(int(tensor.n_bytes) for tensor in tensors.values())
    if "output.weight" in tensors:
        weights -= int(tensors["token_embd.weight"].n_bytes)
    cached = [tensor for tensor in matrices if ".attn_k." in tensor.name or ".attn_v." in tensor.name]
    return (2 * sum(int(tensor.n_elements) for tensor in matrices), weights,
            sum(2 * int(tensor.shape[1]) for tensor in cached))


def limits(args, line):
    """Adds to the line what bounds the speed, and the share of it that ours reaches."""
    read = bandwidth(args.threads)
    compute = args.tera_operations or TERA_OPERATIONS * args.threads
    operations, weights, position = costs(args.file)
    said = "--tera-operations" if args.tera_operations else f"a constant, {TERA_OPERATIONS} a thread: not measured here"
    line["limits"] = {"read_gb_per_second": round(read / 1e9, 1), "tera_operations_per_second": round(compute, 2),
                      "tera_operations_by": said, "giga_operations_per_token": round(operations / 1e9, 2)}
    share = {"prefill": line["prefill"]["per_second"]["ours"] * operations / (compute * 1e12)}
    for depth in args.depths.split(","):
        name = f"decode at {depth}"
        positions = max(int(depth), 1) + args.decode / 2
        share[name] = line[name]["per_second"]["ours"] * (weights + positions * position) / read
    line["share_of_limit"] = {name: round(value, 2) for name, value in share.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program"); parser.add_argument("file")
    parser.add_argument("--rounds", type=int, default=3); parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompt", type=int, default=512); parser.add_argument("--decode", type=int, default=32)
    parser.add_argument("--depths", default="0,512"); parser.add_argument("--theirs", action="store_true")
    parser.add_argument("--tera-operations", type=float, help="what the processor does on all these threads")
    args = parser.parse_args()
    if args.theirs:
        return theirs_here(args)
    rounds, report = [], None
    for _ in range(args.rounds):
        mine, report = ours(args)
        rounds.append((mine, theirs(args)))
    line = {"file": os.path.basename(args.file), "threads": args.threads, "rounds": args.rounds,
            "kernel": report["kernel"], "resident_mib": round(report["resident_mib"])}
    for key in rounds[0][0]:
        line[key] = {}
        for unit in ("per_second", "per_processor_second"):
            left, right = ([pair[side][key][unit] for pair in rounds] for side in (0, 1))
            line[key][unit] = {"ours": round(statistics.median(left), 1), "llama.cpp": round(statistics.median(right), 1),
                               "ratio": round(statistics.median(a / b for a, b in zip(left, right)), 2)}
    limits(args, line)
    line["three_questions_prefills"] = round(report["three_questions"]["prefills"], 2)
    line["verify"] = {row["tokens"]: round(row["milliseconds"], 1) for row in report["verify"]}
    print(json.dumps(line))


if __name__ == "__main__":
    main()
