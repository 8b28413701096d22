import './styles.css';
import { createRoot } from 'react-dom/client';
import { z } from 'zod';
import { App } from './app';
import { startStudio } from './start-studio';
import { createClient } from './studio-client';

// The content security policy forbids compiled validators; without this, zod tries one and the browser reports it.
z.config({ jitless: true });

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root.');
createRoot(root).render(<App studio={startStudio(createClient())} />);
