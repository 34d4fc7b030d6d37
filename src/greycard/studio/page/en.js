// The texts of the page in English. {n} and other words in braces are filled in.
export default {
  // Views and messages
  images_view: "Images",
  training_view: "Train and results",
  views: "Views",
  undo: "Undo",
  redo: "Redo",
  undo_what: "undo: {what}",
  redo_what: "redo: {what}",
  ok: "OK",
  cancel: "Cancel",
  close: "Close",
  image: "Image",
  no_answer: "the server does not answer; is it still running?",
  status: "the server returned status {status}",

  // Classes and labels
  classes: "Classes",
  no_label: "No label yet",
  new_class: "New class",
  add: "Add",
  rename: "Rename or merge",
  remove: "Remove class",
  label_as: "Label as",
  choose: "choose",
  discard: "To the trash",
  images: { one: "{n} image", other: "{n} images" },
  selected: { one: "{n} image of {all} selected", other: "{n} images of {all} selected" },
  keys: "Keys: 1 to 9 label, 0 takes the label away, arrows move, Shift selects more, Space selects, Enter enlarges, Delete moves to the trash, Ctrl Z undoes.",
  new_name: "New name of {name}",
  new_name_note: "With the name of another class, the images are added to it.",
  remove_what: "Remove the class {name}?",
  remove_note: "Its images stay in the folder, without a label.",

  // Uploads and camera
  add_images: "Add images",
  add_note: "Drop files or folders anywhere, or paste an image. They get the label of the class that is shown.",
  choose_files: "Choose files",
  camera: "Camera",
  record: "Hold to record",
  taken: { one: "{n} taken", other: "{n} taken" },
  no_camera: "the camera cannot be used; allow it in the browser, and open the page from this machine or by https",
  not_added: { one: "{n} file not added: {why}", other: "{n} files not added: {why} …" },

  // Check
  check: "Check",
  check_images: "Check the images",
  checking: "looking at every image …",
  nothing_found: "nothing found",
  show_images: { one: "Show {n} image", other: "Show {n} images" },
  moved: "these images have moved since the check; check again",

  // Training
  train: "Train",
  minutes: "Minutes",
  stop: "Stop",
  training: "training …",
  stopped: "stopped",
  finished: "finished",
  result: {
    one: "{share} of {n} validation image is right (95 % interval {low} to {high}). Try it: greycard serve {path}",
    other: "{share} of {n} validation images are right (95 % interval {low} to {high}). Try it: greycard serve {path}",
  },

  // Lessons
  lesson: "Lesson",
  lesson_run: "Run",
  lesson_run_what: "Run {what}",
  lesson_running: "running …",
  lesson_output: "Output",
  lesson_table: "Table",
  lesson_questions: "Questions",
  lesson_reveal: "Show the answer",
  lesson_kept: "kept",
};
