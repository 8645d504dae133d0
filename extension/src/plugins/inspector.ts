import { inspectorIcon } from '../icons.ts';
import { sidePanelPlugin } from '../side-panel.ts';
import { CommandIDs } from '../tokens.ts';

export default sidePanelPlugin({
  name: 'inspector',
  description: 'The Inspector in the right side bar: details of what is selected.',
  area: 'right',
  command: CommandIDs.showInspector,
  text: (trans) => ({
    title: trans.__('Med-R1 inspector'),
    label: trans.__('Inspector'),
    caption: trans.__('Show the details of what is selected'),
  }),
  icon: inspectorIcon,
  load: () => import('@medr1/widgets/inspector/view'),
  tag: 'medr1-inspector',
  late: true,
});
