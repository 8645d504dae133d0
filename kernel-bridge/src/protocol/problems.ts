/**
 * Why a question cannot be used. The code is stored with the item and is what filters, audits and counts speak of;
 * the text is what a person reads. An item with a problem is kept and counted, and never trained on.
 */
export const PROBLEMS = {
  'record-unreadable': 'The record is not valid JSON or no object, or its file is damaged from here on.',
  'record-too-large': 'The record is larger than 1 MiB.',
  'record-too-deep': 'The record is nested more than 100 levels deep.',
  'record-unknown': 'The record has none of the known shapes: no question or no options.',
  'text-invalid': 'The text is not valid UTF-8.',
  'text-reserved': "The text holds a special token of the model's vocabulary, such as <|image_pad|> or <|im_end|>.",
  'question-missing': 'The question is empty.',
  'options-too-few': 'Fewer than two options.',
  'options-too-many': 'More than 26 options.',
  'options-equal': 'Two options are equal.',
  'answer-missing': 'The record names no answer.',
  'answer-no-option': 'The answer is none of the options.',
  'answer-ambiguous': 'The answer can be read as two different options, and the other rows do not tell which is meant.',
  'images-several': 'The record names several images; questions about one are supported.',
  'image-none': 'The record names no image.',
  'image-outside': "The image's path leaves the data folder.",
  'image-missing': 'The image file does not exist.',
  'image-not-a-file': 'The image is a folder, a pipe or a device.',
  'image-format': 'The file is no image of a format that is read here (PNG, JPEG, WebP, TIFF, GIF, BMP, JPEG 2000, uncompressed DICOM).',
  'image-thin': 'One side of the image is more than 200 times the other, which the processor of Qwen2-VL refuses.',
  'image-compressed-dicom': 'The DICOM file is compressed (its transfer syntax is not supported).',
  'image-unreadable': 'The image is truncated or damaged.',
  'image-too-large': 'The image has more than 64 megapixels, or its file more than 64 MiB.',
} as const;
export type Problem = keyof typeof PROBLEMS;

/** Of the image file as it is now, not of the record: it may come and go while the questions stay the same. */
const OF_FILE: readonly string[] = [
  'image-missing',
  'image-not-a-file',
  'image-format',
  'image-thin',
  'image-compressed-dicom',
  'image-unreadable',
  'image-too-large',
] satisfies Problem[];
export const isOfFile = (problem: string | null): boolean => problem !== null && OF_FILE.includes(problem);

/** What a person reads for a problem's code; the code itself where it is not known here, as one of a newer version. */
export const problemText = (code: string): string => (Object.hasOwn(PROBLEMS, code) ? PROBLEMS[code as Problem] : code);
