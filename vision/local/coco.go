package local

import "spotter/vision"

// cocoClasses is the number of COCO's classes.
const cocoClasses = 80

// cocoNames returns the names of COCO's 80 classes in the order of the networks' outputs, which is that of the
// category ids of COCO's instances_val2017.json.
func cocoNames() [cocoClasses]string {
	return [cocoClasses]string{
		"person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
		"fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
		"elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
		"skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
		"tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
		"sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch",
		"potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
		"microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors", "teddy bear",
		"hair drier", "toothbrush",
	}
}

// cocoLabels returns the vocabulary's labels of COCO's classes, in the same order.
func cocoLabels() [cocoClasses]string {
	labels := cocoNames()
	for i, name := range labels {
		labels[i] = vision.Label(name)
	}
	return labels
}
