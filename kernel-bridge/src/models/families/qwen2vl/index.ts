/** Qwen2-VL and Qwen2.5-VL: what the engine asks of a family. */
import type { Family } from '../../model.ts';
import type { Qwen2VLConfig } from './config.ts';
import { encodeImage, parseImageProcessorConfig } from './image-processor.ts';
import { decoderLayer } from './layer.ts';
import { promptPositions, textRotation } from './rope.ts';
import { qwen2vlShape } from './shape.ts';
import { encodeImages } from './vision.ts';

export const qwen2vl: Family<Qwen2VLConfig> = {
  ...qwen2vlShape,
  positionAxes: 3,
  positions: ({ image_token_id, vision_config }, ids, grids) =>
    promptPositions(ids, grids, image_token_id, vision_config.spatial_merge_size),
  rotation: ({ text_config }, positions, dtype) => textRotation(text_config, positions, dtype),
  imageTokens: ({ vision_config }, [t, h, w]) => (t * h * w) / vision_config.spatial_merge_size ** 2,
  encodeImages,
  layer: decoderLayer,
  processor: {
    imageToken: '<|image_pad|>',
    endOfTurn: '<|im_end|>',
    reserved: ['<|image_pad|>', '<|video_pad|>', '<|vision_start|>', '<|vision_end|>'],
    parseImageProcessorConfig,
    encodeImage,
  },
};
