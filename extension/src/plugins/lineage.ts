import { lineageIcon } from '../icons.ts';
import { mainViewPlugin } from '../main-view.ts';
import { CommandIDs } from '../tokens.ts';

export default mainViewPlugin({
  name: 'lineage',
  description: 'Related runs as a tree over steps: where forks left, what they changed, what happened on the way.',
  command: CommandIDs.openLineage,
  text: (trans) => ({
    label: trans.__('Lineage'),
    caption: trans.__('Forks of the run that is looked at, and what they changed'),
  }),
  icon: lineageIcon,
  load: () => import('@medr1/widgets/lineage/view'),
  tag: 'medr1-lineage',
});
