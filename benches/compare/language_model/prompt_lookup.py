#!/usr/bin/env python3
"""Would prompt lookup pay? The tokens that follow the latest place where the last few tokens stood before are drafted, and
verified in one pass (Saxena, "Prompt Lookup Decoding", 2023). How many of them are right depends on the text alone, so
the summaries that come with the debates will do, by people or by models: no weights at hand write any.

  prompt_lookup.py SHARED/datasets/fredsum/debates.jsonl [--writer people|Openassistant_Llama_30b|ChatGPT|Barthez]
      [--costs 1:1,2:1.27,4:1.78,8:2.44]

Needs the package `tokenizers`. `--costs` is what a pass over so many tokens costs, in passes over one: `verify` of
`speed FILE.gguf`. Prints a line for each number of drafted tokens and of tokens to find again: how often something is
drafted, how many of it are right, and the time of all summaries, 1 being without drafts.
"""
import argparse
import json

from tokenizers import Tokenizer, models, pre_tokenizers, trainers


def cost_of(costs, count):
    """Straight between the counts that were measured."""
    known = sorted(costs)
    below = max(size for size in known if size <= count)
    above = min((size for size in known if size >= count), default=below)
    if below == above:
        return costs[below]
    share = (count - below) / (above - below)
    return costs[below] + share * (costs[above] - costs[below])


def write(source, summary, found_again, drafted_max, costs):
    """Writes one summary after its source: time, passes, passes with drafts, drafted tokens that were right."""
    context, following = list(source), {}
    for at in range(found_again, len(context)):
        following[tuple(context[at - found_again : at])] = at
    time, passes, drafts, right, at = 0.0, 0, 0, 0, 0
    while at < len(summary):
        found = following.get(tuple(context[-found_again:]))
        drafted = context[found : found + drafted_max] if found is not None else []
        accepted = 0
        while accepted < len(drafted) and summary[at + accepted : at + accepted + 1] == [drafted[accepted]]:
            accepted += 1
        time += cost_of(costs, 1 + len(drafted))
        passes, drafts, right = passes + 1, drafts + bool(drafted), right + accepted
        for token in summary[at : at + accepted + 1]:
            following[tuple(context[-found_again:])] = len(context)
            context.append(token)
        at += accepted + 1
    return time, passes, drafts, right


def summaries_of(debate, writer):
    if writer == "people":
        return [text for text in debate["abstractive"].values() if text]
    return [debate["predictions"][writer]] if debate["predictions"].get(writer) else []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="meetings with summaries by people, as JSON lines")
    parser.add_argument("--writer", default="people", help="people, or a model whose predictions the data has")
    parser.add_argument("--costs", default="1:1,2:1.27,4:1.78,8:2.44")
    parser.add_argument("--vocabulary", type=int, default=32_000)
    asked = parser.parse_args()
    costs = {int(count): float(cost) for count, cost in (pair.split(":") for pair in asked.costs.split(","))}
    with open(asked.data, encoding="utf-8") as file:
        debates = [json.loads(line) for line in file]
    sources = ["\n".join(f"{turn['speaker']}: {turn['text']}" for turn in debate["transcript"]) for debate in debates]
    summaries = [summaries_of(debate, asked.writer) for debate in debates]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    trainer = trainers.BpeTrainer(vocab_size=asked.vocabulary, show_progress=False)
    tokenizer.train_from_iterator(sources + sum(summaries, []), trainer)
    pairs = [
        (tokenizer.encode(source).ids, tokenizer.encode(summary).ids)
        for source, of_source in zip(sources, summaries)
        for summary in of_source
    ]
    tokens = sum(len(summary) for _, summary in pairs)
    for drafted_max in (1, 3, 7):
        for found_again in (2, 3, 4):
            each = [write(*pair, found_again, drafted_max, costs) for pair in pairs]
            time, passes, drafts, right = (sum(column) for column in zip(*each))
            print(
                f"{drafted_max} drafted after {found_again}: in {drafts / passes:.0%} of the passes, "
                f"{right / drafts:.2f} right, time {time / tokens:.2f}"
            )


if __name__ == "__main__":
    main()
