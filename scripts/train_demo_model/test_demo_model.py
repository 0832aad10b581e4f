"""Tests of the recipe that need no voices: python -m unittest test_demo_model (tokens: DEMO_MODEL_TOKENS=FILE)."""
import os
import random
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

import augment
import choose_domain
import export
import grammar
import lexicon
import score
import synthesize
from corpus import PROMPT, Corpus
from mel import BANDS, FLOOR, log_mel
from model import Model
from tokens import TokenSet, load
from train import attention_inside


class LexiconTest(unittest.TestCase):
    def test_every_word_of_templates_and_samples_is_known(self):
        for language in lexicon.LANGUAGES:
            rng = random.Random(1)
            texts = [grammar.sentence(language, rng) for _ in range(5000)]
            self.assertEqual(lexicon.missing(texts + lexicon.sample_texts(language), language), [])
            self.assertGreaterEqual(len(lexicon.words(language)), 1500)

    def test_sample_sentences_are_held_out(self):
        texts = lexicon.sample_texts("en") + lexicon.sample_texts("fr")
        self.assertGreater(len(texts), 50)
        self.assertTrue(all(synthesize.held_out(text) for text in texts))

    def test_slots_are_defined(self):
        special = {"les", "pl", *grammar.French.DETERMINERS}
        for language in lexicon.LANGUAGES:
            used = {slot for entries in lexicon.sections(language, "grammar").values() for line in entries
                    for slot in grammar.SLOT.findall(line)}
            self.assertLessEqual(used - special, set(grammar.table(language)))


class GrammarTest(unittest.TestCase):
    def test_articles_and_elisions(self):
        english, french = grammar.English(), grammar.French()
        self.assertEqual(english.finish("a audit, a user, a hour, a report"), "an audit, a user, an hour, a report")
        for text, wanted in (("de le accord", "de l'accord"), ("de le budget", "du budget"), ("à les tests", "aux tests"),
                             ("ce outil", "cet outil"), ("que Alice", "qu'Alice"), ("le onze mai", "le onze mai"),
                             ("un nouveau écran", "un nouvel écran"), ("le nouveau plan", "le nouveau plan")):
            self.assertEqual(french.finish(text), wanted)

    def test_lists_have_two_to_seven_words_of_the_pool(self):
        rng, pool = random.Random(2), ["alpha", "beta"]
        for _ in range(100):
            words = lexicon.normalise(grammar.text("en", rng, pool, {"list": 1})[1]).split()
            self.assertTrue(2 <= len(words) <= 7 and set(words) <= set(pool))


class SoundTest(unittest.TestCase):
    def test_a_tone_is_loudest_in_its_band_and_silence_is_the_floor(self):
        time = np.arange(16000) / 16000
        mel = log_mel((0.5 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32))
        self.assertEqual(mel.shape, (100, BANDS))
        # 1 kHz is 15 of the 45.25 mel of 8 kHz, so 26.85 of 81 edges, and band k is centred on edge k + 1
        self.assertEqual(set(mel[10:90].argmax(1)), {26})
        self.assertTrue(np.allclose(log_mel(np.zeros(16000, np.float32)), FLOOR))

    def test_distortion_keeps_shape_and_is_finite(self):
        torch.manual_seed(3)
        raw = torch.full((4, 60, BANDS), FLOOR)
        raw[:, 10:40] = torch.randn(4, 30, BANDS)
        out = augment.distort(raw, [40] * 4, random.Random(3))
        self.assertEqual(out.shape, raw.shape)
        self.assertTrue(torch.isfinite(out).all())
        self.assertTrue((out[:, 15:35].mean((1, 2)) > -5).all())

    def test_strange_speech_keeps_its_length_and_differs(self):
        torch.manual_seed(4)
        raw = torch.randn(200, BANDS)
        for seed in range(20):
            out = augment.strange(raw, random.Random(seed))
            self.assertEqual(out.shape, raw.shape)
            self.assertGreater((out - raw).abs().mean(), 0.5)

    def test_middle_warp_changes_little(self):
        matrices = augment._warp_matrices("cpu")
        self.assertTrue(torch.allclose(matrices.sum(1), torch.ones(len(augment.WARPS), BANDS), atol=1e-5))


class ModelTest(unittest.TestCase):
    def model(self, encoder_layers, decoder_layers, vocabulary, phones):
        torch.manual_seed(4)
        return Model(64, 2, encoder_layers, decoder_layers, vocabulary, phones).eval()

    def test_a_grown_model_computes_the_same(self):
        small = self.model(1, 2, 5, 2)
        saved = dict(model=small.state_dict(), dims=small.dims, tokens=[7, 8, 9, 10, 11], phones={"": 0, "a": 1})
        large = self.model(3, 4, 6, 3)
        large.start_from(saved, [6, 7, 8, 9, 10, 11], {"": 0, "b": 1, "a": 2})
        mel, tokens = torch.randn(2, BANDS, 40), torch.tensor([[0, 1, 2], [3, 4, 0]])
        with torch.no_grad():
            want = small.decoder(tokens, small.encoder(mel))[0]
            have = large.decoder(tokens + 1, large.encoder(mel))[0][..., 1:]
        self.assertTrue(torch.allclose(want, have, atol=1e-5))
        self.assertTrue(torch.equal(large.phone_head.weight[2], small.phone_head.weight[1]))

    def test_guide_is_small_only_where_attention_is_right(self):
        weights = torch.zeros(1, 2, 1, 20)
        weights[..., 10] = 1
        self.assertLess(attention_inside(weights, torch.tensor([[[9, 11]]])).item(), 0.01)
        self.assertGreater(attention_inside(weights, torch.tensor([[[0, 3]]])).item(), 6)
        self.assertEqual(attention_inside(weights, torch.tensor([[[-1, -1]]])).item(), 0)

    def test_quantised_blocks_have_ggml_sizes_and_small_error(self):
        x = np.random.default_rng(5).normal(size=(2, 64)).astype(np.float32)
        self.assertEqual(len(export.q8_0(x)), 4 * 34)
        packed = np.frombuffer(export.q5_1(x), np.uint8).reshape(4, 24)
        scale, low = (packed[:, k:k + 2].copy().view(np.float16).astype(np.float32) for k in (0, 2))
        fifth = packed[:, 4:8].copy().view("<u4") >> np.arange(32, dtype=np.uint32) & 1
        codes = np.concatenate([packed[:, 8:] & 15, packed[:, 8:] >> 4], 1) | fifth << 4
        self.assertLess(np.abs(codes * scale + low - x.reshape(4, 32)).max(), (x.max() - x.min()) / 31)

    def test_untrained_rows_always_score_low(self):
        model = self.model(1, 1, 3, 1)
        weights = {k: v.numpy() for k, v in model.state_dict().items()}
        table, bias = export.full_table(weights, [3, 9, 50])
        states = torch.nn.functional.layer_norm(torch.randn(10, 64), (64,)).numpy() + bias
        self.assertTrue(np.allclose(states @ table[0], export.LOW_SCORE, atol=0.01))


class ScoreTest(unittest.TestCase):
    def test_errors_are_counted_by_manner(self):
        tally = score.Tally()
        tally.add("Send it, today.", "send at today", "list")
        tally.add("Yes.", "yes", "sentence")
        self.assertEqual(tally.rates(), {"all": 25.0, "list": 33.33, "sentence": 0.0})

    def test_where_nothing_is_to_be_written_what_was_is_counted(self):
        tally = score.Tally()
        for written in ("", "the budget", "", ""):
            tally.add("", written, "outside")
        self.assertEqual(tally.rates()["outside"], 25.0)


class DomainTest(unittest.TestCase):
    def test_bounds_tell_both_sides_apart_and_keep_nearly_all_within(self):
        within = [(str(k), 1000, 0.0, -k / 100) for k in range(100)]
        outside = [(str(k // 4), 1000, *((0.0, -3.0) if k % 4 else (0.0, -0.2))) for k in range(100)]
        bound, share = choose_domain.choose(within, outside)
        self.assertAlmostEqual(bound, choose_domain.REFUSED_WITHIN_MAX - 0.99)
        self.assertLessEqual(choose_domain.refused_windows(within, bound), choose_domain.REFUSED_WITHIN_MAX)
        self.assertEqual(choose_domain.refused_recordings(outside, bound, share), (25, 25))

    def test_a_window_without_text_is_outside(self):
        self.assertEqual(choose_domain.outside_share(("a", 1000, 1.0, -float("inf")), -1.0), 1.0)
        self.assertEqual(choose_domain.outside_share(("a", 1000, 0.25, -0.1), -1.0), 0.25)


@unittest.skipUnless(os.environ.get("DEMO_MODEL_TOKENS"), "skipped: DEMO_MODEL_TOKENS names no multilingual.tiktoken")
class CorpusTest(unittest.TestCase):
    def test_tokens_return_the_text_and_batches_align_words_with_frames(self):
        tokens = TokenSet(load(os.environ["DEMO_MODEL_TOKENS"]))
        text = "À l'équipe de préparer le budget."
        encoded = tokens.encode(text)
        self.assertEqual(tokens.decode([row for row, _ in encoded]), text)
        row = dict(mel=np.zeros((80, BANDS), np.float16), frames=40, text=text, voice="v", manner="sentence",
                   phones=[("a", 0), ("b", 20)], words=[(0, 0, 2), (2, 3, 12), (11, 13, 14), (14, 15, 25), (23, 26, 39)])
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "fr-train-espeak-1.npz")
            synthesize.write_shard(path, [row])
            corpus = Corpus([path], tokens, {"": 0})
        batch = corpus.batch(corpus.utterances, random.Random(0), training=False)
        self.assertEqual(batch.mel.shape, (1, BANDS, 160))
        self.assertEqual(batch.label[0, 10:50].tolist(), [1] * 20 + [2] * 20)
        last = [k for k, (_, character) in enumerate(encoded) if character == 26]
        self.assertEqual(batch.now[0, PROMPT - 1 + last[0]].tolist(), [36, 49])
        self.assertEqual(batch.before[0, PROMPT + last[0]].tolist(), [36, 49])


if __name__ == "__main__":
    unittest.main()
