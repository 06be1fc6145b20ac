module.exports = async () => {
  const twin = globalThis.mailwardTwin;
  const left = await twin.worlds();
  await twin.stop();
  if (left.length > 0) throw new Error(`worlds are left: ${left}`);
};
