/** Tensors, operators and autograd of libtorch; see README.md in this folder. */
import './methods.ts';

export { backward, enableGrad, grad, isGradEnabled, noGrad } from './autograd.ts';
export { tensor, type NestedNumbers, type TensorOptions } from './create.ts';
export { isSlow } from './cpu.ts';
export { cuda, deviceCount } from './cuda.ts';
export { checkpoint, customFunction, type Context, type CustomFunction } from './custom.ts';
export type { Data, DType } from './dtypes.ts';
export { TorchError } from './errors.ts';
export { CudaGraph, graphPool, type CaptureOptions, type GraphPool } from './graph.ts';
export { getNumThreads, memoryStats, setNumThreads, withThreads, type DeviceMemory, type MemoryStats } from './memory.ts';
export { medr1, schemas, torch } from './ops.ts';
export { ProcessGroup, processGroupFailure, treeSum, type GroupOptions, type Rendezvous } from './process-group.ts';
export { defaultGenerator, Generator, generator, getRngState, manualSeed, setRngState } from './generator.ts';
export { addonName } from './native.ts';
export { disposeAll, keep, keepAll, scope } from './scope.ts';
export { span, trace } from './trace.ts';
export { Tensor, type Nested } from './tensor.ts';
export type { Argument, Result } from './wire.ts';
export { AdamW, clipGradNorm, type AdamWOptions, type AdamWStorage, type Bf16Update, type ParamGroup } from './adamw.ts';
export { openCheckpoint, readMetadata, readSafetensors, writeSafetensors } from './safetensors.ts';
