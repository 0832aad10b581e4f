// What the page says, in French and English.

const ENGLISH = {
  skip: "Skip to content", library: "Library", actions: "Actions", prepare: "Prepare", add: "Add", sign_out: "Sign out",
  other_language: "Français", find: "Search meetings, decisions, actions…", series: "Series", person: "Person", from: "From", until: "Until",
  all: "All", meetings: "Meetings", no_meetings: "No meeting yet. Add a transcript or a recording.", nothing_found: "Nothing in the library matches.",
  more: "Show more", found: (n) => (n === 1 ? "1 result" : `${n} results`), open_actions: (n) => (n === 1 ? "1 open action" : `${n} open actions`),
  decisions_n: (n) => (n === 1 ? "1 decision" : `${n} decisions`), abstract: "Summary", topics: "Topics", decisions: "Decisions", questions: "Open questions",
  minutes: "Minutes", transcript: "Transcript", speakers: "Speakers", talk_time: "Talk time", suppressed: "Suppressed passages",
  suppressed_hint: "The recognizer gave these and they were taken out as invented. Restore what was really said.", restore: "Restore", restored: "Restored.",
  reason_not_speech: "no speech there", reason_loop: "the same words over and over", reason_boilerplate: "a phrase that recognizers invent", reason_low_probability: "improbable",
  rename: "Save", name: "Name", email: "Mail address", renamed: "The speaker is named everywhere.", edit: "Correct", save: "Save", cancel: "Cancel", corrected: "Corrected; the earlier version is kept.",
  exports: "Export", remove: "Delete", remove_sure: (title) => `Delete “${title}” with its recording, transcript, minutes and index entries?`,
  removed: (n) => `Deleted: ${n} files, index and vectors.`, proven: (share) => `${share} of the statements proven`, read_share: (share) => `${share} of the meeting read`,
  follow: "Follow the sound", play_from: "Play from", topic_line: "Topics in time", unsupported: "not in the evidence:", no_minutes: "There are no minutes yet.",
  evidence: (n) => (n === 1 ? "Show the evidence: 1 utterance" : `Show the evidence: ${n} utterances`),
  overdue: "Overdue", due_soon: "Due within a week", later: "Later or without a date", done: "Done", owner: "Owner", nobody: "no owner", due: "due", subscribe: "Subscribe (calendar)",
  no_actions: "Nothing here.", mark_done: "Mark as done", drop_here: "Drop transcripts or recordings here", or_choose: "or choose files",
  upload_hint: "WebVTT, SRT, Whisper JSON, text; and recordings where the server has a speech model.", upload_needs_model: "Recordings need a speech model, and this server has none: whoever runs it installs one (greffier models pull whisper-base-q5_1) and starts it again.", uploading: "uploading", queued: "waits", running: "at work", finished: "done", dead: "failed",
  step_reading: "reading", step_transcribing: "transcribing", step_minutes: "minutes", step_writing: "a language model writes", open: "Open", retry: "Try again", jobs: "Jobs", title_field: "Title (if one file)",
  visibility: "Who sees it", participants: "Participants", private: "Only me",
  prepare_hint: "Paste an invitation, an agenda or any text: what was decided, promised and written about it comes back, each with its reason.", recommend: "Find what matters", nothing_related: "Nothing in the library is related to this.",
  prepare_example: "For example: steering committee on Thursday. The release date, what the security audit found, who writes the user guide.", drop_ics: "Open an invitation (.ics)", token: "Token", sign_in: "Sign in", sign_in_hint: "Paste the token that the operator gave you (greffier tokens add).",
  error: "That did not work:", language: "Language", back: "Library", load: "Loading…", related: "Related", related_to: "Related to", minutes_short: (n) => `${n} min`,
  live: "Live", live_start: "Start listening", live_stop: "Stop", live_hint: "The microphone of this device is heard: captions, minutes so far, and what matters to what is said. The recording is safe on the server as it comes.",
  live_no_model: "This server has no speech model, so it hears nothing.", live_no_microphone: "This browser gives no microphone here: open the page over HTTPS or on this machine.", live_running: "Being held", title: "Title", spoken: "Spoken language", detected: "Detected",
  live_connecting: "connecting", live_listening: "listening", live_reconnecting: "no connection: the sound waits here", live_ending: "writing the minutes", live_finished: "in the library", live_failed: "failed: what was recorded is on the server", live_no_sound: "no sound came", live_refused: "the server takes no more: recording has stopped", live_signed_out: "The microphone is still heard, and what is said waits here until you have signed in again. Do not wait long: the server ends a meeting from which no sound comes.", live_too_late: "The server had ended the meeting already: the sound that waited here is lost.",
  live_level: "Loudness", live_minutes: "Minutes so far", live_related: "Matters now", nothing_yet: "Nothing yet.", live_lag: (seconds) => `${seconds} s behind`,
  live_deferred: "not heard in time: written down from the recording at the end", level_without_partials: "slow: no partial text", level_smaller_model: "slow: a smaller model", level_deferred: "too slow: transcribed at the end",
  problems: { "bad-request": "the server does not understand this", unauthorized: "a valid token is needed", forbidden: "this is not allowed", "not-found": "there is nothing here", conflict: "this does not fit what is here", "changed-meanwhile": "it was changed meanwhile: open it again", "too-large": "this is too large", "unsupported-media-type": "this form is not taken", unprocessable: "this cannot be worked with", busy: "too much is asked at once: try again", unavailable: "this cannot be done now", internal: "the server failed; its log says why", "no-connection": "the server cannot be reached", NotAllowedError: "the microphone is not allowed", NotFoundError: "there is no microphone" },
  kinds: { meeting: "Meetings", passage: "Passages", abstract: "Summaries", topic: "Topics", decision: "Decisions", action: "Open actions", question: "Open questions", mail: "Mails", event: "Events", contact: "Contacts", document: "Documents", chat: "Chats", task: "Tasks", person: "People" },
};

const FRENCH = {
  skip: "Aller au contenu", library: "Bibliothèque", actions: "Actions", prepare: "Préparer", add: "Ajouter", sign_out: "Se déconnecter",
  other_language: "English", find: "Chercher réunions, décisions, actions…", series: "Série", person: "Personne", from: "Du", until: "Au",
  all: "Tout", meetings: "Réunions", no_meetings: "Aucune réunion. Ajoutez une transcription ou un enregistrement.", nothing_found: "Rien dans la bibliothèque ne correspond.",
  more: "En voir plus", found: (n) => (n < 2 ? `${n} résultat` : `${n} résultats`), open_actions: (n) => (n < 2 ? `${n} action ouverte` : `${n} actions ouvertes`),
  decisions_n: (n) => (n < 2 ? `${n} décision` : `${n} décisions`), abstract: "Résumé", topics: "Sujets", decisions: "Décisions", questions: "Questions ouvertes",
  minutes: "Compte rendu", transcript: "Transcription", speakers: "Intervenants", talk_time: "Temps de parole", suppressed: "Passages écartés",
  suppressed_hint: "La reconnaissance les a donnés et ils ont été écartés comme inventés. Rétablissez ce qui a vraiment été dit.", restore: "Rétablir", restored: "Rétabli.",
  reason_not_speech: "pas de parole", reason_loop: "les mêmes mots en boucle", reason_boilerplate: "une phrase que les modèles inventent", reason_low_probability: "improbable",
  rename: "Enregistrer", name: "Nom", email: "Adresse électronique", renamed: "L’intervenant est nommé partout.", edit: "Corriger", save: "Enregistrer", cancel: "Annuler", corrected: "Corrigé ; la version précédente est gardée.",
  exports: "Exporter", remove: "Supprimer", remove_sure: (title) => `Supprimer « ${title} » avec l’enregistrement, la transcription, le compte rendu et l’index ?`,
  removed: (n) => `Supprimé : ${n} fichiers, index et vecteurs.`, proven: (share) => `${share} des énoncés prouvés`, read_share: (share) => `${share} de la réunion lus`,
  follow: "Suivre le son", play_from: "Écouter à partir de", topic_line: "Sujets dans le temps", unsupported: "absent des preuves :", no_minutes: "Il n’y a pas encore de compte rendu.",
  evidence: (n) => (n < 2 ? "Montrer la preuve : 1 énoncé" : `Montrer la preuve : ${n} énoncés`),
  overdue: "En retard", due_soon: "Sous huit jours", later: "Plus tard ou sans date", done: "Faites", owner: "Responsable", nobody: "sans responsable", due: "échéance", subscribe: "S’abonner (calendrier)",
  no_actions: "Rien ici.", mark_done: "Marquer comme faite", drop_here: "Déposez ici transcriptions ou enregistrements", or_choose: "ou choisissez des fichiers",
  upload_hint: "WebVTT, SRT, JSON de Whisper, texte ; et les enregistrements si le serveur a un modèle de parole.", upload_needs_model: "Les enregistrements demandent un modèle de parole, et ce serveur n’en a pas : qui l’exploite en installe un (greffier models pull whisper-base-q5_1) et le redémarre.", uploading: "envoi", queued: "en attente", running: "en cours", finished: "terminé", dead: "échec",
  step_reading: "lecture", step_transcribing: "transcription", step_minutes: "compte rendu", step_writing: "rédaction par un modèle de langue", open: "Ouvrir", retry: "Réessayer", jobs: "Travaux", title_field: "Titre (si un seul fichier)",
  visibility: "Qui peut voir", participants: "Les participants", private: "Moi seulement",
  prepare_hint: "Collez une invitation, un ordre du jour ou un texte : ce qui a été décidé, promis et écrit à ce sujet revient, chaque fois avec sa raison.", recommend: "Trouver ce qui compte", nothing_related: "Rien dans la bibliothèque n’est lié à cela.",
  prepare_example: "Par exemple : comité de pilotage jeudi. La date de livraison, les résultats de l’audit de sécurité, qui écrit le guide d’utilisation.", drop_ics: "Ouvrir une invitation (.ics)", token: "Jeton", sign_in: "Entrer", sign_in_hint: "Collez le jeton que l’exploitant vous a donné (greffier tokens add).",
  error: "Cela n’a pas marché :", language: "Langue", back: "Bibliothèque", load: "Chargement…", related: "Liés", related_to: "Ce qui est lié à", minutes_short: (n) => `${n} min`,
  live: "En direct", live_start: "Commencer l’écoute", live_stop: "Arrêter", live_hint: "Le micro de cet appareil est écouté : sous-titres, compte rendu en cours, et ce qui compte pour ce qui se dit. L’enregistrement est en sûreté sur le serveur au fur et à mesure.",
  live_no_model: "Ce serveur n’a pas de modèle de parole : il n’entend rien.", live_no_microphone: "Ce navigateur ne donne pas de micro ici : ouvrez la page en HTTPS ou sur cette machine.", live_running: "En cours", title: "Titre", spoken: "Langue parlée", detected: "Détectée",
  live_connecting: "connexion", live_listening: "à l’écoute", live_reconnecting: "pas de connexion : le son attend ici", live_ending: "rédaction du compte rendu", live_finished: "dans la bibliothèque", live_failed: "échec : l’enregistrement est sur le serveur", live_no_sound: "aucun son n’est venu", live_refused: "le serveur n’en prend plus : l’enregistrement est arrêté", live_signed_out: "Le micro est toujours écouté, et ce qui est dit attend ici que vous soyez de nouveau entré. Ne tardez pas : le serveur met fin à une réunion d’où aucun son ne vient.", live_too_late: "Le serveur avait déjà mis fin à la réunion : le son qui attendait ici est perdu.",
  live_level: "Volume", live_minutes: "Compte rendu en cours", live_related: "Utile maintenant", nothing_yet: "Rien encore.", live_lag: (seconds) => `${seconds} s de retard`,
  live_deferred: "pas entendu à temps : transcrit à la fin depuis l’enregistrement", level_without_partials: "lent : sans texte provisoire", level_smaller_model: "lent : modèle plus petit", level_deferred: "trop lent : transcrit à la fin",
  problems: { "bad-request": "le serveur ne comprend pas cela", unauthorized: "il faut un jeton valable", forbidden: "ce n’est pas permis", "not-found": "il n’y a rien ici", conflict: "cela ne va pas avec ce qui est là", "changed-meanwhile": "cela a changé entre-temps : ouvrez-le de nouveau", "too-large": "c’est trop grand", "unsupported-media-type": "cette forme n’est pas acceptée", unprocessable: "on ne peut rien en faire", busy: "trop de demandes à la fois : réessayez", unavailable: "ce n’est pas possible maintenant", internal: "le serveur a échoué ; son journal dit pourquoi", "no-connection": "le serveur est injoignable", NotAllowedError: "le micro n’est pas autorisé", NotFoundError: "il n’y a pas de micro" },
  kinds: { meeting: "Réunions", passage: "Passages", abstract: "Résumés", topic: "Sujets", decision: "Décisions", action: "Actions ouvertes", question: "Questions ouvertes", mail: "Courriels", event: "Événements", contact: "Contacts", document: "Documents", chat: "Discussions", task: "Tâches", person: "Personnes" },
};

const KEPT = "greffier-language";

/** The language of the page: as chosen, else as the browser prefers. */
export function language() {
  const chosen = localStorage.getItem(KEPT);
  if (chosen) return chosen;
  const known = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag === "fr" || tag === "en");
  return known ?? "en";
}

/** Changes to the other language. */
export function switchLanguage() {
  localStorage.setItem(KEPT, language() === "fr" ? "en" : "fr");
}

/** A word or sentence of the page. */
export function say(name, ...values) {
  const words = language() === "fr" ? FRENCH : ENGLISH;
  const found = words[name];
  return typeof found === "function" ? found(...values) : found;
}

export const kind = (name) => say("kinds")[name] ?? name;

/** A time, or a day such as `2026-03-05`, which is the same day wherever it is read. */
export function day(time, options = { dateStyle: "medium" }) {
  if (!time) return "";
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(time);
  return new Intl.DateTimeFormat(language(), options).format(new Date(isDay ? `${time}T00:00` : time));
}

/** The day here, so many days from now, as days due are written. */
export function dayFromNow(days) {
  const now = new Date();
  const then = new Date(now.getFullYear(), now.getMonth(), now.getDate() + days);
  return [then.getFullYear(), two(then.getMonth() + 1), two(then.getDate())].join("-");
}

const two = (number) => String(number).padStart(2, "0");

export const percent = (share) => new Intl.NumberFormat(language(), { style: "percent" }).format(share);

export const seconds = (ms) => new Intl.NumberFormat(language(), { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(ms / 1000);

/** `1:02:03` or `2:03`. */
export function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
