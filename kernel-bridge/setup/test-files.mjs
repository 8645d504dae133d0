/** The test files of the repository, by a part of their path. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.mjs';

const FOLDERS = ['kernel-bridge/src', 'kernel-bridge/native', 'kernel-bridge/setup', 'widgets/src', 'extension/src', 'test'];

/** Unit tests that train, start processes, or try a sandbox's limits: more than two seconds each on a quiet machine. `npm test -- quick` leaves them out. */
export const SLOW = [
  'kernel-bridge/src/cli/{eval,paths,trace,train}.test.ts',
  'kernel-bridge/src/rewards/sandbox/sandbox.test.ts',
  'kernel-bridge/src/rewards/user-reward.test.ts',
  'kernel-bridge/setup/gpu-check.test.ts',
  'kernel-bridge/src/rl/{grpo-trainer,lora-run,other-device,ranks}.test.ts',
  'kernel-bridge/src/rl/warmstart/*.test.ts',
  'kernel-bridge/src/torch/process-group.test.ts',
  'kernel-bridge/src/worker/{evaluation,ranks}.test.ts',
];

const testFiles = () =>
  FOLDERS.flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((file) => `${folder}/${file}`)).filter(
    (file) => file.endsWith('.test.ts') || /(^|\/)test_[^/]*\.py$/.test(file),
  );

/** Files whose path contains one of the parts; a path itself, from the root of the repository, is one. */
export function filesNamed(parts, files = testFiles()) {
  const found = files.filter((file) => parts.some((part) => file.includes(part.replace(/^\.\//, ''))));
  return { vitest: found.filter((file) => file.endsWith('.ts')), python: found.filter((file) => file.endsWith('.py')) };
}
