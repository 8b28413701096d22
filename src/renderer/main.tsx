import './styles.css';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { startStudio } from './start-studio';
import { createClient } from './studio-client';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root.');
createRoot(root).render(<App studio={startStudio(createClient())} />);
