import { readFileSync } from 'node:fs';

/**
 * Whether PyTorch has fast matrix products in bfloat16 for this CPU: oneDNN's want AVX-512 or, on ARM, bf16 instructions. Elsewhere a plain
 * loop does them, ten times slower than float32.
 */
const fastBfloat16: boolean = /^(flags|Features)\s*:.*\b(avx512bw|bf16)\b/m.test(cpuinfo());

/** Whether what is computed in this dtype on this device is better computed in float32. */
export const isSlow = ({ dtype, device }: { readonly dtype: string; readonly device: string }): boolean =>
  dtype === 'bfloat16' && device === 'cpu' && !fastBfloat16;

function cpuinfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return ''; // no Linux
  }
}
