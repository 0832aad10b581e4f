//! Tensors of checkpoints that PyTorch wrote before version 1.6: pickles one after another, then the storages.
//!
//! candle reads the zip form that came after; its pickle machine, which runs no code of the file, reads the parts here.

use std::collections::HashMap;

use candle_core::pickle::{Object, Stack};

/// Two pickles, the magic number and the version of the form.
const HEAD: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.";

/// The file is no such checkpoint, or is damaged.
#[derive(Debug, thiserror::Error)]
#[error("no checkpoint of PyTorch's first form: {0}")]
pub struct CheckpointError(String);

/// The f32 tensors under `key` of a checkpoint's dictionary, by name, each row by row.
///
/// # Errors
/// When the bytes are no such checkpoint, or a tensor is of another type or not contiguous.
pub fn read_torch_checkpoint(bytes: &[u8], key: &str) -> Result<HashMap<String, Vec<f32>>, CheckpointError> {
    let mut rest = bytes.strip_prefix(HEAD).ok_or_else(|| wrong("another beginning"))?;
    let _machine_that_wrote_it = pickle(&mut rest)?;
    let Object::Dict(content) = pickle(&mut rest)? else {
        return Err(wrong("it holds no dictionary"));
    };
    let Object::List(storages) = pickle(&mut rest)? else {
        return Err(wrong("the list of storages is missing"));
    };
    let storages = read_storages(storages, rest)?;
    let named = |(name, _): &(Object, Object)| *name == Object::Unicode(key.to_owned());
    let Some((_, Object::Dict(tensors))) = content.into_iter().find(named) else {
        return Err(wrong(&format!("it has no `{key}`")));
    };
    let mut read = HashMap::with_capacity(tensors.len());
    for (name, value) in tensors {
        let info = value
            .into_tensor_info(name, "".as_ref())
            .map_err(|error| wrong(&error.to_string()))?;
        let Some(info) = info else { continue };
        let storage = info.path.rsplit('/').next().and_then(|key| storages.get(key));
        let begin = info.layout.start_offset() / size_of::<f32>();
        let values = storage.and_then(|values| values.get(begin..begin + info.layout.shape().elem_count()));
        match values {
            Some(values) if info.layout.is_contiguous() && info.dtype == candle_core::DType::F32 => {
                read.insert(info.name, values.to_vec());
            }
            _ => return Err(wrong(&format!("the tensor `{}` cannot be read", info.name))),
        }
    }
    Ok(read)
}

fn pickle(rest: &mut &[u8]) -> Result<Object, CheckpointError> {
    let mut stack = Stack::empty();
    let read = stack.read_loop(rest).and_then(|()| stack.finalize());
    read.map_err(|error| wrong(&error.to_string()))
}

/// The storages in the order of their keys: a count, then as many f32, little-endian.
fn read_storages(keys: Vec<Object>, mut rest: &[u8]) -> Result<HashMap<String, Vec<f32>>, CheckpointError> {
    let mut storages = HashMap::with_capacity(keys.len());
    for key in keys {
        let Object::Unicode(key) = key else {
            return Err(wrong("a storage without a name"));
        };
        let (count, after) = rest.split_first_chunk().ok_or_else(|| wrong("it ends early"))?;
        let length = usize::try_from(i64::from_le_bytes(*count)).ok();
        let length = length.and_then(|count| count.checked_mul(size_of::<f32>()));
        let values = length.and_then(|length| after.split_at_checked(length));
        let (values, after) = values.ok_or_else(|| wrong("it ends early"))?;
        storages.insert(key, f32_values(values));
        rest = after;
    }
    Ok(storages)
}

fn f32_values(bytes: &[u8]) -> Vec<f32> {
    let (values, _) = bytes.as_chunks();
    values.iter().map(|value| f32::from_le_bytes(*value)).collect()
}

fn wrong(why: &str) -> CheckpointError {
    CheckpointError(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `torch.save({"state": OrderedDict(weight=tensor([[1., 2.], [3., 4.]]))}, _use_new_zipfile_serialization=False)`,
    /// written by hand from the format: pickle's opcodes are letters.
    fn checkpoint() -> Vec<u8> {
        let text = |text: &str| [b"X".as_slice(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
        let storage = [
            b"(".as_slice(),
            &text("storage"),
            b"ctorch\nFloatStorage\n",
            &text("7"),
            &text("cpu"),
            b"K\x04NtQ",
        ]
        .concat();
        let tensor = [
            b"ctorch._utils\n_rebuild_tensor_v2\n(".as_slice(),
            &storage,
            b"K\x00K\x02K\x02\x86K\x02K\x01\x86\x89ccollections\nOrderedDict\n)RtR",
        ]
        .concat();
        let state = [
            b"ccollections\nOrderedDict\n)R".as_slice(),
            &text("weight"),
            &tensor,
            b"s",
        ]
        .concat();
        let content = [b"\x80\x02}".as_slice(), &text("state"), &state, b"s."].concat();
        let keys = [b"\x80\x02](".as_slice(), &text("7"), b"e."].concat();
        let values: Vec<u8> = [1.0_f32, 2.0, 3.0, 4.0]
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        [HEAD, b"\x80\x02}.", &content, &keys, &4_i64.to_le_bytes(), &values].concat()
    }

    #[test]
    fn tensors_are_read_by_name() {
        let tensors = read_torch_checkpoint(&checkpoint(), "state").unwrap();
        assert_eq!(tensors["weight"], [1.0, 2.0, 3.0, 4.0]);
        assert!(read_torch_checkpoint(&checkpoint(), "other").is_err());
    }

    #[test]
    fn what_was_cut_anywhere_is_an_error() {
        let whole = checkpoint();
        for length in 0..whole.len() {
            assert!(read_torch_checkpoint(&whole[..length], "state").is_err(), "{length}");
        }
    }
}
