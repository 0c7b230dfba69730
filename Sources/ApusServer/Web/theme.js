// Sets the chosen colours before the page is drawn.
(() => {
  try {
    const theme = localStorage.getItem("apus.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Without storage the system decides.
  }
})();
