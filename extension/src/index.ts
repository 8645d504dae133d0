import audit from './plugins/audit.ts';
import compare from './plugins/compare.ts';
import curves from './plugins/curves.ts';
import data from './plugins/data.ts';
import evaluation from './plugins/evaluation.ts';
import inspector from './plugins/inspector.ts';
import keys from './plugins/keys.ts';
import launcher from './plugins/launcher.ts';
import layouts from './plugins/layouts.ts';
import lineage from './plugins/lineage.ts';
import links from './plugins/links.ts';
import liveCells from './plugins/live-cells.ts';
import newRun from './plugins/new-run.ts';
import notebook from './plugins/notebook.ts';
import pair from './plugins/pair.ts';
import reload from './plugins/reload.ts';
import notifications from './plugins/notifications.ts';
import rewards from './plugins/rewards.ts';
import rollouts from './plugins/rollouts.ts';
import importRun from './plugins/import-run.ts';
import runMenu from './plugins/run-menu.ts';
import runs from './plugins/runs.ts';
import runsTable from './plugins/runs-table.ts';
import sample from './plugins/sample.ts';
import search from './plugins/search.ts';
import service from './plugins/service.ts';
import status from './plugins/status.ts';
import alerts from './plugins/alerts.ts';
import tour from './plugins/tour.ts';
import trash from './plugins/trash.ts';
import undo from './plugins/undo.ts';

/** Put in by the bundler. */
declare const process: { env: { NODE_ENV?: string } };

export { IWorkbench } from './tokens.ts';

export default [
  service,
  runs,
  runMenu,
  importRun,
  runsTable,
  curves,
  rollouts,
  pair,
  rewards,
  newRun,
  data,
  sample,
  audit,
  evaluation,
  compare,
  inspector,
  links,
  keys,
  tour,
  notebook,
  liveCells,
  notifications,
  status,
  search,
  alerts,
  lineage,
  trash,
  undo,
  launcher,
  layouts,
  ...(process.env.NODE_ENV === 'development' ? [reload] : []),
];
