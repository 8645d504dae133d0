import { searchIcon } from '@jupyterlab/ui-components';
import { mainViewPlugin } from '../main-view.ts';
import { CommandIDs } from '../tokens.ts';

export default mainViewPlugin({
  name: 'search',
  description: 'Search over everything that runs said: words, regular expressions, filters, notes.',
  command: CommandIDs.openSearch,
  text: (trans) => ({
    label: trans.__('Search'),
    caption: trans.__('Every completion of the chosen runs, by words, expressions and filters'),
  }),
  icon: searchIcon,
  load: () => import('@medr1/widgets/search/view'),
  tag: 'medr1-search',
});
