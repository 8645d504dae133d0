/** The process that evaluates: with worker/main.ts the only ones that load libtorch. */
import { loadItems } from '../data/load.ts';
import { openAnswerer } from './answerer.ts';
import { evaluationProcess } from './evaluation-process.ts';

await evaluationProcess(openAnswerer, loadItems);
