import type { EncodedImage, EncodedPrompt, Processor } from '../../models/index.ts';

/** What `processor.prompt` makes, from an image encoded already: one user turn, the image before the text. */
export function chatPrompt(processor: Processor, text: string, image: EncodedImage | null): EncodedPrompt {
  const merged = processor.imageConfig.merge_size ** 2;
  const mark = image ? `<|vision_start|>${'<|image_pad|>'.repeat((image.grid[1] * image.grid[2]) / merged)}<|vision_end|>` : '';
  const chat = `<|im_start|>user\n${mark}${text}<|im_end|>\n<|im_start|>assistant\n`;
  return { inputIds: processor.encode(chat), images: image ? [image] : [], text: chat };
}
