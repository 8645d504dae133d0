import { WorkbenchError } from '../protocol/errors.ts';

/** An operator, a file or the native library failed; `message` holds PyTorch's own words, then the call. */
export class TorchError extends WorkbenchError {}

const REMEDIES: Record<string, string> = {
  TORCH_OPERATOR: 'Check the shapes, dtypes and devices of the call named in the message.',
  TORCH_OUT_OF_MEMORY: 'Use fewer or shorter completions per step, a smaller image, or bfloat16; memoryStats() tells what is held.',
  TORCH_FILE: 'Check that the file is whole and readable; download or copy it again.',
};

/** Makes the error of a native failure: TypeError for arguments that fit no overload, TorchError for the rest. */
export function torchError(code: string, message: string, cause?: unknown): Error {
  if (code === 'TORCH_ARGUMENTS') return new TypeError(message);
  return new TorchError({ code, message, remedy: REMEDIES[code] ?? REMEDIES.TORCH_OPERATOR, cause });
}

/** A damaged or wrong file. `where` is the file, or the file and the tensor in it. */
export function fileError(where: string, seen: string, cause?: unknown): Error {
  return torchError('TORCH_FILE', `${where}: ${seen}`, cause);
}

/** The native library is not there, or not for this PyTorch. */
export function addonError(seen: string, cause?: unknown): Error {
  return new TorchError({
    code: 'TORCH_ADDON',
    message: seen,
    remedy: 'Run npm start, which builds it, or node kernel-bridge/native/build.mjs.',
    cause,
  });
}
