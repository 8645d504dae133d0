import { deleteIcon } from '@jupyterlab/ui-components';
import { mainViewPlugin } from '../main-view.ts';
import { CommandIDs } from '../tokens.ts';

export default mainViewPlugin({
  name: 'trash',
  description: 'What was removed: runs, evaluations and indexes of data sets, with a way back.',
  command: CommandIDs.openTrash,
  text: (trans) => ({
    label: trans.__('Trash'),
    caption: trans.__('Runs, evaluations and data sets that were removed'),
  }),
  icon: deleteIcon,
  load: () => import('@medr1/widgets/trash/view'),
  tag: 'medr1-trash',
});
