import type { EncodedImage, EncodedPrompt, Processor } from '../../models/index.ts';

/** What `processor.prompt` makes, from an image encoded already: one user turn, the image before the text. */
export function chatPrompt(processor: Processor, text: string, image: EncodedImage | null): EncodedPrompt {
  return encoded(processor, opening(processor, image) + endOfPrompt(text), image);
}

/** The beginning that all prompts about an image share: what follows it is `endOfPrompt`. */
export const imagePrompt = (processor: Processor, image: EncodedImage): EncodedPrompt =>
  encoded(processor, opening(processor, image), image);

export const endOfPrompt = (text: string): string => `${text}<|im_end|>\n<|im_start|>assistant\n`;

function opening(processor: Processor, image: EncodedImage | null): string {
  const merged = processor.imageConfig.merge_size ** 2;
  return image
    ? `<|im_start|>user\n<|vision_start|>${'<|image_pad|>'.repeat((image.grid[1] * image.grid[2]) / merged)}<|vision_end|>`
    : '<|im_start|>user\n';
}

const encoded = (processor: Processor, text: string, image: EncodedImage | null): EncodedPrompt => ({
  inputIds: processor.encode(text),
  images: image ? [image] : [],
  text,
});
