/** Qwen2-VL and Qwen2.5-VL: what the trainers, the evaluations and the command use. See README.md for the way of one image through the model. */
export * as attribution from './attribution.ts';
export { initModel, loadModel, saveModel, type LoadOptions } from './checkpoint.ts';
export { parseConfig, type ConfigJson, type Qwen2VLConfig } from './families/qwen2vl/config.ts';
export { forward, type Forward } from './engine/forward.ts';
export { generate, type Completion, type GenerateOptions } from './engine/generate.ts';
export { groupLogps, type GroupLogps, type GroupLogpsOptions } from './engine/group-logps.ts';
export { decodeImage, type ImageInput, type RawImage } from './image.ts';
export { encodeImage, smartResize, type ImageProcessorConfig } from './families/qwen2vl/image-processor.ts';
export { addLora, Lora, type LoraOptions } from './engine/lora.ts';
export { Model, type Adapter, type ModelDtype } from './model.ts';
export { readAdapter, readAdapterConfig, saveAdapter } from './engine/peft.ts';
export {
  loadProcessor,
  Processor,
  processorDirectory,
  type Content,
  type EncodedPrompt,
  type Message,
} from './families/qwen2vl/processor.ts';
export type { EncodedImage } from './families/qwen2vl/vision.ts';
