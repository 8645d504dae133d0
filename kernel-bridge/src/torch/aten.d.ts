import type { Argument } from './wire.ts';
export interface Aten { [name: string]: (...args: Argument[]) => any }
