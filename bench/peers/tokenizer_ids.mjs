// Writes tests/Nn.Tests/Data/Text/bert-ids.json: what HuggingFace's tokenizer makes of sentences of our own, and hashes of what it makes of
// the corpora, so that no sentence of theirs is kept. Run with Node.js where @huggingface/tokenizers can be found:
//   npm install @huggingface/tokenizers && node tokenizer_ids.mjs DATA
// DATA holds bert/vocab.txt, cola/*.tsv and mrpc/*.txt.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { Tokenizer } = createRequire(join(process.cwd(), "x.js"))("@huggingface/tokenizers");
const tests = new URL("../../tests/Nn.Tests/Data/Text/", import.meta.url);
const data = process.argv[2];

function tokenizer(vocabulary) {
  const vocab = Object.fromEntries(vocabulary.trimEnd().split("\n").map((token, id) => [token, id]));
  return new Tokenizer({
    version: "1.0",
    added_tokens: [],
    normalizer: { type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: { type: "BertProcessing", sep: ["[SEP]", vocab["[SEP]"]], cls: ["[CLS]", vocab["[CLS]"]] },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: { type: "WordPiece", unk_token: "[UNK]", continuing_subword_prefix: "##", max_input_chars_per_word: 100, vocab },
  }, { clean_up_tokenization_spaces: true });
}

const sentences = [
  "Hello, world!", "the quick brown fox jumps over the lazy dog", "unaffable", "", " ", "\t\r\n", "[CLS] is [SEP] a [MASK] word [UNK]",
  "Don't stop: it's 3.14, isn't it?", "$5 + 7 < 20 = ^|` ~", "snake_case and kebab-case", "e-mail@example.com #1 50% a*b (c) {d} [e] \\ / \"f\"",
  "ÀÉÎÕÜ naïve café résumé Ångström", "ñ ç ø ł ß Æ œ þ ð", "İstanbul ısı DŽ ǅ ﬁ", "ΑΣ ΟΔΥΣΣΕΥΣ Σ Σ. ΑΣ’Α ΑΣ-Α ΣΑΣ ς", "ΆΈΉΊΌΎΏ άέήίόύώ ΐΰ", "Привет, Мир! ё й Й",
  "שלום עֲלֵיכֶם", "السَّلَامُ عَلَيْكُمْ", "नमस्ते दुनिया ड़", "中文字符 and English混合", "東京タワー 東京へ", "안녕하세요 세계", "가각갂", "ไทย ภาษา", "Tiếng Việt có dấu",
  "豈更車 \u9FFF\u4DBF", "zero\u200bwidth\u200djoin\u2060er\ufeff", "soft\u00adhyphen nb\u00a0space thin\u2009space line\u2028sep para\u2029sep", "a\u0000b\u0001c\u007fd\u009fe\ufffdf",
  "vertical\u000btab form\u000cfeed next\u0085line", "file\u001csep group\u001dsep", "private\ue000use \uf8ff", "e\u0301 a\u0308\u0304 \u0301alone q\u0307\u0323",
  "“quotes” ‘single’ «angle» „low‟ … — – ‐ ‑ · • § ¶ † ‡", "€ £ ¥ ₿ ¢ © ® ™ ° ± × ÷ ≠ ≤ ∞ √ ∑ →", "½ ² ³ Ⅷ ⓐ ㎏ ﷼", "😀 emoji 👩‍👩‍👧 🇩🇪 👍🏽", "𝔘𝔫𝔦 𝐀𝐁 𐐀𐐨 𞤀",
  "ＦＵＬＬ　ｗｉｄｔｈ！", "；·\u1fef", "\u0340\u0341\u0344 x\u0345 \u1fbe", "ཱི \u0f73 \u0958 \u09cb \u0bca", "K Å Ω ſ", "a".repeat(100), "a".repeat(101), "é".repeat(100), "e\u0301".repeat(100),
  "😀".repeat(100), "😀".repeat(101), "x".repeat(99) + ".y", "## ##ing #ing", "2021-01-02T03:04:05Z", "。、「」『』！？", "؟ ، ؛ ।", "ʼ ʹ ˈ ʰ ª º", "ⅧⅨ ⒶⒷ",
];
const pairs = [["How old are you?", "I'm 6 years old"], ["", "Other side"], ["Ünïcode", "中文"]];

// Letters, marks and a few words, so that most sentences have tokens of their own also where BERT's vocabulary is not at hand.
function ownVocabulary() {
  const tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
  const seen = new Set(tokens);
  const add = (token) => seen.has(token) || (seen.add(token), tokens.push(token));
  ["the", "hello", "world", "un", "##aff", "##able", "quick", "##ick", "word", "##ing", "one", "side", "istanbul", "cafe"].forEach(add);
  for (const text of sentences) {
    for (const c of text.toLowerCase().normalize("NFD").replace(/[\p{Mn}\p{C}\s]/gu, "")) {
      if (c.codePointAt(0) !== 0x1f600 && !/[ΐ\u0f70-\u0f80x]/u.test(c)) {
        add(c);
        add("##" + c);
      }
    }
  }
  return tokens.join("\n") + "\n";
}

const encode = (t, text, pair) => t.encode(text, { text_pair: pair ?? null }).ids;

function hash(t, rows) {
  const sha = createHash("sha256");
  rows.forEach(([text, pair]) => sha.update(encode(t, text, pair).join(" ") + "\n"));
  return { rows: rows.length, sha256: sha.digest("hex") };
}

const lines = (file) => readFileSync(join(data, file), "utf8").replace(/^\ufeff/, "").split("\n").map((l) => l.replace(/\r$/, "")).filter((l) => l.length > 0);
const cola = (file) => lines(`cola/${file}.tsv`).map((l) => [l.split("\t")[3]]);
const mrpc = (file) => lines(`mrpc/${file}.txt`).slice(1).map((l) => l.split("\t").slice(3, 5));

const own = ownVocabulary();
writeFileSync(new URL("own-vocab.txt", tests), own);
const small = tokenizer(own), bert = tokenizer(readFileSync(join(data, "bert/vocab.txt"), "utf8"));
const escape = (json) => json.replace(/[\u007f-\uffff]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
const row = ([text, pair]) => escape(JSON.stringify({ text, ...(pair === undefined ? {} : { pair }), own: encode(small, text, pair), bert: encode(bert, text, pair) }));
const corpora = {};
for (const file of ["in_domain_train", "in_domain_dev", "out_of_domain_dev"]) {
  corpora[`cola/${file}.tsv`] = hash(bert, cola(file));
}
for (const file of ["msr_paraphrase_train", "msr_paraphrase_test"]) {
  corpora[`mrpc/${file}.txt`] = hash(bert, mrpc(file));
}
writeFileSync(new URL("bert-ids.json", tests),
  `{\n"corpora": ${JSON.stringify(corpora, null, 1)},\n"sentences": [\n${[...sentences.map((s) => [s]), ...pairs].map(row).join(",\n")}\n]\n}\n`);
