// A run that predicts a number: what the page says about it. Its facts are those of its only output.
const isNumber = () => facts.classes.length === 0;
const numberFacts = () => facts.outputs.probabilities;
const inUnit = (value) => value.toLocaleString("en", { minimumFractionDigits: numberFacts().decimals, maximumFractionDigits: numberFacts().decimals });

// The prediction and its interval in one line.
function numberText(value) {
  const { interval } = numberFacts();
  return interval ? `${inUnit(value)}, probably between ${inUnit(value - interval.width)} and ${inUnit(value + interval.width)}` : inUnit(value);
}

function intervalText(value) {
  const { interval } = numberFacts();
  if (!interval) return "";
  const share = `${Math.round(100 * interval.share)}\u00a0%`;
  return `Probably between ${inUnit(value - interval.width)} and ${inUnit(value + interval.width)}: intervals like this have ${share} of true numbers.`;
}

function numberIntroduction({ name, validation }) {
  const { lowest, highest } = numberFacts();
  const { value, low, high } = validation.mean_absolute_error;
  return `${name} predicts a number from an image; it has learned numbers from ${inUnit(lowest)} to ${inUnit(highest)}. On average it is `
    + `${inUnit(value)} off on ${validation.images.toLocaleString("en")} validation images (95\u00a0% interval ${inUnit(low)} to ${inUnit(high)}).`;
}
