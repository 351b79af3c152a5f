"""From media files to features: what a folder of clips becomes before the method begins.

clips, table          `clip_list` reads which clips there are, `manifest` where their files lie afterwards
file -> samples       `decoding` asks a child, `decoding_process`, which alone touches the files
samples -> vectors    `extractors` names and loads what describes them: `descriptors`, `vggish`, `inception`, others
clip -> record        `describe` joins the two, `records` keeps the result, `pictures` draws sounds
folder -> npz         `extraction` does it for all clips, and accounts for each
"""
