/** Everything at once; a host that wants its views on demand imports their modules instead. */
export * from './client-connector.ts';
export * from './connector.ts';
export * from './curves/model.ts';
export * from './curves/view.ts';
export * from './data/model.ts';
export * from './data/view.ts';
export * from './element.ts';
export * from './new-run/view.ts';
export * from './observable.ts';
export * from './rewards/view.ts';
export * from './rollouts/view.ts';
export * from './runs/view.ts';
export * from './selection.ts';
export * from './status/model.ts';
export * from './theme.ts';
export * from './workbench.ts';
