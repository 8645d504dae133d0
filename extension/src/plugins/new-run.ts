import { IDocumentManager } from '@jupyterlab/docmanager';
import { labFiles } from '../files.ts';
import { newRunIcon } from '../icons.ts';
import { mainViewPlugin } from '../main-view.ts';
import { CommandIDs } from '../tokens.ts';

export default mainViewPlugin({
  name: 'new-run',
  description: 'A form for a new run, made from the configuration schema.',
  command: CommandIDs.openNewRun,
  text: (trans) => ({
    label: trans.__('New run'),
    caption: trans.__('Configure and start a training run'),
  }),
  icon: newRunIcon,
  load: () => import('@medr1/widgets/new-run/view'),
  tag: 'medr1-new-run',
  optional: [IDocumentManager],
  setUp: ({ trans }, manager) => ({ properties: { files: manager && labFiles(manager, trans) } }),
});
