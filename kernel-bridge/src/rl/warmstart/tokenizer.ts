import { QUESTION_TYPES, DATASETS, FINDING_NAMES, MODALITIES, PLACE_NAMES, SIZE_NAMES } from '../../data/sample/world.ts';
import type { Anatomy, Modality } from '../../data/sample/world.ts';
import { PRETOKENIZE, pretokens, trainBpe } from './bpe.ts';
import { INSTRUCTIONS } from './instructions.ts';
import { conclude, describe } from './traces.ts';

/** Qwen2-VL's special tokens, in its order. */
const SPECIAL = [
  '<|endoftext|>',
  '<|im_start|>',
  '<|im_end|>',
  '<|object_ref_start|>',
  '<|object_ref_end|>',
  '<|box_start|>',
  '<|box_end|>',
  '<|quad_start|>',
  '<|quad_end|>',
  '<|vision_start|>',
  '<|vision_end|>',
  '<|vision_pad|>',
  '<|image_pad|>',
  '<|video_pad|>',
];

const TAGS = ['<think>', '</think>', '<answer>', '</answer>'];

/** Qwen2-VL's chat template for text and images, but for the system turn that it puts first: ten tokens saved of some seventy. */
export const CHAT_TEMPLATE =
  "{% for message in messages %}<|im_start|>{{ message['role'] }}\n" +
  "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for content in message['content'] %}" +
  "{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}<|vision_start|><|image_pad|><|vision_end|>" +
  "{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}" +
  '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}';

/** Every word the sample's questions, options and traces are made of, each as a token of its own. */
function corpus(): string[] {
  const anatomies = DATASETS.map((d) => d.anatomy) as Anatomy[];
  const options = Object.values(QUESTION_TYPES).flatMap((type) => [...type.pool] as string[]);
  const scenes = [
    ...(Object.keys(MODALITIES) as Modality[]).map((modality) => describe({ modality, anatomy: 'lung', lesion: null })),
    ...anatomies.map((anatomy) => describe({ modality: 'CT', anatomy, lesion: null })),
    ...FINDING_NAMES.flatMap((finding) =>
      SIZE_NAMES.flatMap((size) =>
        PLACE_NAMES.map((place) => describe({ modality: 'CT', anatomy: 'lung', lesion: { finding, size, place } })),
      ),
    ),
  ];
  const texts = [
    ...Object.values(QUESTION_TYPES).flatMap((type) => type.ask),
    ...scenes.map((scene) => `${scene} ${conclude('x', 'A')}`),
    ' A, B, C, D',
    'user\n',
    'assistant\n',
    'system\nYou are a helpful assistant.',
    ...INSTRUCTIONS.map((instruction) => instruction.text),
  ];
  // an option follows a bracket, which Qwen2's pre-tokenizer leaves joined to it: the bare word must be the token
  return [...options, ...texts.flatMap(pretokens).filter((token) => !/^[^\s\p{L}]\p{L}/u.test(token))];
}

/**
 * tokenizer.json and tokenizer_config.json of the tiny model, as Hugging Face's libraries read them.
 * Med-R1's instruction sentences are one added token each, so that the exact prompts of training and evaluation stay short.
 */
export function makeTokenizer(): { tokenizer: object; config: object; ids: Map<string, number> } {
  const { vocab, merges } = trainBpe(corpus());
  const ids = new Map(vocab.map((token, id) => [token, id]));
  const added = [
    ...SPECIAL.map((content) => ({ content, special: true })),
    ...[...TAGS, ...INSTRUCTIONS.map((instruction) => ` ${instruction.text}`)].map((content) => ({ content, special: false })),
  ].map(({ content, special }, i) => {
    ids.set(content, vocab.length + i);
    return { id: vocab.length + i, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special };
  });
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: { type: 'NFC' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [{ type: 'Split', pattern: { Regex: PRETOKENIZE }, behavior: 'Isolated', invert: false }, byteLevel],
    },
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(vocab.map((token, id) => [token, id])),
      merges,
    },
  };
  const config = {
    tokenizer_class: 'Qwen2Tokenizer',
    add_prefix_space: false,
    added_tokens_decoder: Object.fromEntries(added.map(({ id, ...token }) => [id, token])),
    additional_special_tokens: SPECIAL.slice(1),
    bos_token: null,
    eos_token: '<|im_end|>',
    pad_token: '<|endoftext|>',
    unk_token: null,
    clean_up_tokenization_spaces: false,
    errors: 'replace',
    split_special_tokens: false,
    model_max_length: 2048,
    chat_template: CHAT_TEMPLATE,
  };
  return { tokenizer, config, ids };
}
