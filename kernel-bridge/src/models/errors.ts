/** Failures of model directories, images and prompts, each with its remedy. */
import { WorkbenchError } from '../protocol/errors.ts';

export const errors = {
  notAModel: (dir: string, missing: string, cause?: unknown) =>
    new WorkbenchError({
      code: 'MODEL_DIR_INCOMPLETE',
      message: `${dir} is not a model directory: ${missing}`,
      remedy:
        'Point to a Hugging Face directory with config.json, model.safetensors (or model.safetensors.index.json and its shards), ' +
        'tokenizer.json, a chat template and preprocessor_config.json.',
      cause,
    }),
  unreadable: (file: string, cause: unknown) =>
    new WorkbenchError({
      code: 'MODEL_FILE_UNREADABLE',
      message: `${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      remedy: 'Make it a plain file that you may read: download it again, or restore it from the checkpoint it came from.',
      cause,
    }),
  badJson: (file: string, cause: unknown) =>
    new WorkbenchError({
      code: 'MODEL_JSON_INVALID',
      message: `${file} is not valid JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      remedy: 'Download the file again, or restore it from the checkpoint it came from.',
      cause,
    }),
  unsupported: (what: string, supported: string) =>
    new WorkbenchError({ code: 'MODEL_UNSUPPORTED', message: what, remedy: `Supported: ${supported}.` }),
  adapterKind: (what: string) =>
    new WorkbenchError({
      code: 'ADAPTER_UNSUPPORTED',
      message: `${what}: only plain LoRA on linear layers is read`,
      remedy:
        'Add the adapter to its base model in Python, PeftModel.from_pretrained(base, adapter).merge_and_unload().save_pretrained(out), and give that model ' +
        'instead, with the files of its processor.',
    }),
  adapterFile: (dir: string, found: string[]) =>
    new WorkbenchError({
      code: 'ADAPTER_INCOMPLETE',
      message: `${dir} has adapter_config.json but no adapter_model.safetensors${found.length > 0 ? `; it has ${found.join(', ')}` : ''}`,
      remedy:
        'Put the file there. PEFT writes it from what else it reads, adapter_model.bin too: PeftModel.from_pretrained(base, adapter).save_pretrained(adapter).',
    }),
  adapterWeights: (dir: string, base: string, problems: string[]) =>
    new WorkbenchError({
      code: 'ADAPTER_WEIGHTS_MISMATCH',
      message: `the weights of the adapter ${dir} do not fit its adapter_config.json and its base model ${base}: ${summary(problems)}`,
      remedy:
        'Check that base_model_name_or_path of adapter_config.json is the model that the adapter was trained on. One that sits on embeddings, lm_head or ' +
        'convolutions has to be added to it in Python first (merge_and_unload).',
    }),
  badWeights: (dir: string, problems: string[]) =>
    new WorkbenchError({
      code: 'MODEL_WEIGHTS_MISMATCH',
      message: `the weights in ${dir} do not fit its config.json: ${summary(problems)}`,
      remedy: 'Check that config.json and the safetensors files belong to the same checkpoint.',
    }),
  badPreprocessor: (where: string, problem: string) =>
    new WorkbenchError({
      code: 'MODEL_PREPROCESSOR',
      message: `${where}: the settings of its image processor cannot be used: ${problem}`,
      remedy: 'Correct preprocessor_config.json, or restore it from the checkpoint it came from.',
    }),
  adapterBase: (dir: string, base: unknown) =>
    new WorkbenchError({
      code: 'ADAPTER_BASE_MISSING',
      message: `${dir} is a LoRA adapter for ${JSON.stringify(base ?? null)}, which is not a model directory on this machine`,
      remedy: 'Put the base model there, or write its path into base_model_name_or_path of adapter_config.json.',
    }),
  loraTarget: (targets: readonly string[], what: string, linears: string[]) =>
    new WorkbenchError({
      code: 'LORA_TARGET',
      message: `lora_target_modules ${JSON.stringify(targets)}: ${what}`,
      remedy: `Name linear layers by the end of their path (${[...new Set(linears.map((name) => name.split('.').at(-1)))].join(', ')}), or leave it empty for all of the decoder.`,
    }),
  imageUnreadable: (name: string, reason: string, cause?: unknown) =>
    new WorkbenchError({
      code: 'IMAGE_UNREADABLE',
      message: `image ${name}: ${reason}`,
      remedy: 'Replace the file with an undamaged JPEG, PNG, WebP, TIFF or GIF of at most 64 megapixels, or leave its questions out.',
      cause,
    }),
  imageShape: (name: string, reason: string) =>
    new WorkbenchError({
      code: 'IMAGE_SHAPE',
      message: `image ${name}: ${reason}`,
      remedy: 'Crop or pad the image to an aspect ratio below 200.',
    }),
  reservedText: (token: string) =>
    new WorkbenchError({
      code: 'PROMPT_RESERVED_TOKEN',
      message: `the prompt's text holds ${token}, which stands for image content and would break the pairing of images and prompts`,
      remedy: 'Remove it from the text; images are given beside the text.',
    }),
  logitsNotFinite: (prompt: number, position: number) =>
    new WorkbenchError({
      code: 'MODEL_LOGITS_NOT_FINITE',
      message: `the model gave no probabilities (logits were NaN or infinite) for token ${position} after prompt ${prompt}`,
      remedy: 'Its weights may hold NaN: go back to an older checkpoint, or load it as float32 where 16 bits overflow.',
    }),
  badArgument: (message: string, remedy: string) => new WorkbenchError({ code: 'MODEL_BAD_ARGUMENT', message, remedy }),
};

function summary(problems: string[]): string {
  const shown = problems.slice(0, 5).join('; ');
  return problems.length > 5 ? `${shown}; and ${problems.length - 5} more` : shown;
}
