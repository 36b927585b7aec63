package models

// Where the files are published. The Zoo's commit is the one whose Git LFS object ids are the hashes below.
const (
	zoo   = "https://media.githubusercontent.com/media/opencv/opencv_zoo/966be4cb6eefc2a4f586ed0581bf4bbaa2533070/models/"
	yolox = "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/"
)

// All returns the manifest, in the order in which it is to be listed.
func All() []Model {
	return append(objects(), people()...)
}

// objects returns the detectors of the 80 kinds of COCO. The mAP is that of their authors on COCO val 2017.
func objects() []Model {
	return []Model{
		{
			Name:     "yolox-nano",
			Version:  "0.1.1rc0",
			Purpose:  Objects,
			File:     "yolox_nano.onnx",
			URL:      yolox + "yolox_nano.onnx",
			SHA256:   "c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d",
			Bytes:    3_659_407,
			Licence:  "Apache-2.0",
			Input:    [4]int{1, 3, 416, 416},
			Gives:    "80 kinds of objects, mAP 25.8",
			Training: "COCO 2017",
			Cleared:  true,
		},
		{
			// The release gives no hashes. This one and the size are those of ServerSentinel's detector audit of 2026-09-30,
			// which computed them and has the hashes below and above for nano and S, and of EduBotics' pinned download.
			Name:     "yolox-tiny",
			Version:  "0.1.1rc0",
			Purpose:  Objects,
			File:     "yolox_tiny.onnx",
			URL:      yolox + "yolox_tiny.onnx",
			SHA256:   "427cc366d34e27ff7a03e2899b5e3671425c262ea2291f88bb942bc1cc70b0f7",
			Bytes:    20_219_662,
			Licence:  "Apache-2.0",
			Input:    [4]int{1, 3, 416, 416},
			Gives:    "80 kinds of objects, mAP 32.8",
			Training: "COCO 2017",
			Cleared:  true,
		},
		{
			Name:     "yolox-s",
			Version:  "2022nov",
			Purpose:  Objects,
			File:     "object_detection_yolox_2022nov.onnx",
			URL:      zoo + "object_detection_yolox/object_detection_yolox_2022nov.onnx",
			SHA256:   "c5c2d13e59ae883e6af3b45daea64af4833a4951c92d116ec270d9ddbe998063",
			Bytes:    35_858_002,
			Licence:  "Apache-2.0",
			Input:    [4]int{1, 3, 640, 640},
			Gives:    "80 kinds of objects, mAP 40.5",
			Training: "COCO 2017",
			Cleared:  true,
		},
		{
			Name:     "nanodet",
			Version:  "2022nov",
			Purpose:  Objects,
			File:     "object_detection_nanodet_2022nov.onnx",
			URL:      zoo + "object_detection_nanodet/object_detection_nanodet_2022nov.onnx",
			SHA256:   "4b82da9944b88577175ee23a459dce2e26e6e4be573def65b1055dc2d9720186",
			Bytes:    3_800_954,
			Licence:  "Apache-2.0",
			Input:    [4]int{1, 3, 416, 416},
			Gives:    "80 kinds of objects, mAP 30.4",
			Training: "COCO 2017",
			Cleared:  true,
		},
	}
}

// people returns the detectors of faces and the models that tell one face from another.
func people() []Model {
	return []Model{
		{
			Name:     "yunet",
			Version:  "2023mar",
			Purpose:  Faces,
			File:     "face_detection_yunet_2023mar.onnx",
			URL:      zoo + "face_detection_yunet/face_detection_yunet_2023mar.onnx",
			SHA256:   "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
			Bytes:    232_589,
			Licence:  "MIT",
			Input:    [4]int{1, 3, 640, 640},
			Gives:    "faces with five landmarks",
			Training: "WIDER FACE",
			Cleared:  true,
		},
		{
			Name:     "ultraface",
			Version:  "RFB-320",
			Purpose:  Faces,
			File:     "version-RFB-320.onnx",
			URL:      "https://github.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB/raw/master/models/onnx/version-RFB-320.onnx",
			SHA256:   "34cd7e60aeff28744c657de7a3dc64e872d506741de66987f3426f2b79f88017",
			Bytes:    1_270_727,
			Licence:  "MIT",
			Input:    [4]int{1, 3, 240, 320},
			Gives:    "faces without landmarks",
			Training: "WIDER FACE",
			Cleared:  true,
		},
		{
			Name:     "sface",
			Version:  "2021dec",
			Purpose:  Identities,
			File:     "face_recognition_sface_2021dec.onnx",
			URL:      zoo + "face_recognition_sface/face_recognition_sface_2021dec.onnx",
			SHA256:   "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
			Bytes:    38_696_353,
			Licence:  "Apache-2.0",
			Input:    [4]int{1, 3, 112, 112},
			Gives:    "who a face is, as 128 numbers",
			Training: "public face collections (its paper names CASIA-WebFace, VGGFace2 and MS-Celeb-1M; which of them, OpenCV does not say)",
			Match:    0.363,
			Cleared:  true,
		},
		{
			Name:     "mobilefacenet",
			Version:  "rit5k",
			Purpose:  Identities,
			File:     "mobilefacenet_rit5k.onnx",
			SHA256:   "e0974ec4c84ae30781e9b0a320c37c6705944d4532bfa9fb0c083755b19dde14",
			Bytes:    3_981_135,
			Licence:  "MIT",
			Input:    [4]int{1, 3, 112, 112},
			Gives:    "who a face is, as 128 numbers",
			Training: "MS-Celeb-1M, which is non-commercial",
			Match:    0.40,
			Cleared:  false,
		},
	}
}
