// Whoever comes to a document from its form has saved what was typed there, or has given it up.
const from = document.referrer && new URL(document.referrer).pathname;
if (from) sessionStorage.removeItem(`draft ${from}`);
