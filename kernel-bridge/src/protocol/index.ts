export * from './config.ts';
export * from './data.ts';
export * from './errors.ts';
export * from './metrics.ts';
export * from './presets.ts';
export * from './rest.ts';
export * from './run.ts';
export * from './ws.ts';
