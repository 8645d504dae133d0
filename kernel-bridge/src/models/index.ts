/** Models: what the trainers, the evaluations and the command use. See README.md for the way of one image through the model. */
export * as attribution from './attribution.ts';
export { initModel, loadModel, saveModel, type LoadOptions } from './checkpoint.ts';
export { parseConfig } from './families/shapes.ts';
export type { ConfigJson, ModelConfig } from './family.ts';
export { IMAGE_CACHE_BYTES } from './engine/budgets.ts';
export { nextTokens, type Branch, type NextToken } from './engine/branches.ts';
export { forward, type Forward } from './engine/forward.ts';
export { generate, type Completion, type GenerateOptions } from './engine/generate.ts';
export { groupLogps, type GroupLogps, type GroupLogpsOptions } from './engine/group-logps.ts';
export { decodeImage, type ImageInput, type RawImage } from './image.ts';
export { addLora, Lora, type LoraOptions } from './engine/lora.ts';
export { Model, type Adapter, type Family, type ImageProcessorConfig, type ModelDtype } from './model.ts';
export { readAdapter, readAdapterConfig, saveAdapter } from './engine/peft.ts';
export { keepProcessor } from './processor-files.ts';
export { loadProcessor, Processor, processorDirectory, type Content, type Message } from './processor.ts';
export type { EncodedImage, EncodedPrompt } from './prompt.ts';
