/** Qwen2-VL and Qwen2.5-VL: what the trainers, the evaluations and the command use. See README.md for the way of one image through the model. */
export { initModel, loadModel, saveModel, type LoadOptions } from './checkpoint.ts';
export { parseConfig, type ConfigJson, type Qwen2VLConfig } from './config.ts';
export { forward, type Forward } from './forward.ts';
export { generate, type Completion, type GenerateOptions } from './generate.ts';
export { groupLogps, type GroupLogps, type GroupLogpsOptions } from './group-logps.ts';
export { decodeImage, type ImageInput, type RawImage } from './image.ts';
export { encodeImage, smartResize, type ImageProcessorConfig } from './image-processor.ts';
export { addLora, Lora, type LoraOptions } from './lora.ts';
export { Qwen2VL, type Adapter, type ModelDtype } from './model.ts';
export { readAdapter, readAdapterConfig, saveAdapter } from './peft.ts';
export { loadProcessor, Processor, processorDirectory, type Content, type EncodedPrompt, type Message } from './processor.ts';
export type { EncodedImage } from './vision.ts';
