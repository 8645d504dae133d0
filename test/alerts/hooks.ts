/** `node --import test/alerts/hooks.ts`: whoever asks for rl/micro-batches.ts gets broken-batches.ts. For tests that break what the training forward sees. */
import { registerHooks } from 'node:module';

const broken = new URL('broken-batches.ts', import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const isWanted = found.url.endsWith('/rl/micro-batches.ts') && context.parentURL !== broken;
    return process.env.MEDR1_TEST_BREAK && isWanted ? { ...found, url: broken } : found;
  },
});
