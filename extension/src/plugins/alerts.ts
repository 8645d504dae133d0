import { IEditorServices } from '@jupyterlab/codeeditor';
import { labCodeEditor } from '../code-editor.ts';
import { alertsIcon } from '../icons.ts';
import { mainViewPlugin } from '../main-view.ts';
import { CommandIDs } from '../tokens.ts';

export default mainViewPlugin({
  name: 'alerts',
  description: 'What rules saw in a run, why, and what can be done.',
  command: CommandIDs.openAlerts,
  text: (trans) => ({
    label: trans.__('Alerts'),
    caption: trans.__('What rules saw in the run that is looked at'),
  }),
  icon: alertsIcon,
  load: () => import('@medr1/widgets/alerts/view'),
  tag: 'medr1-alerts',
  optional: [IEditorServices],
  setUp: (_, services) => ({ properties: { createEditor: services && labCodeEditor(services) } }),
});
